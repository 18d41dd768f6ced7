"""A newcomer's first account: opened at the practice exchange of the installation, without any key."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.config import Settings
from portal.db import db
from portal.models import ExecutionConnection, User
from portal.services.connections import test_connection as check
from portal.trading.types import ConnectionStatus
from tests.services.desk import Desk
from tests.services.floor import desk, sandbox_server
from tests.visiting import words
from tests.web.conftest import MakeVisitor

__all__ = ["desk", "sandbox_server"]

NEW = {"name": "My practice account", "mode": "paper", "preset": ""}


def stored() -> list[ExecutionConnection]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(ExecutionConnection)))


@pytest.mark.parametrize("name", ["sandbox", "sandboxusdm"])
def test_practice_account_when_added_without_a_key_then_is_opened_and_works(
    name: str, desk: Desk, visiting: MakeVisitor, alice: User
) -> None:
    visitor = visiting(alice)
    page = visitor.see(f"/welcome?exchange={name}")
    assert "An account with 10,000 USDT is opened for you." in page
    before = len(desk.sandbox.accounts())
    assert visitor.post("/connections/new", NEW | {"exchange_name": name}).status_code == 302
    (made,) = stored()
    assert made.user_id == alice.id
    assert made.has_credentials()
    assert len(desk.sandbox.accounts()) == before + 1
    check(made.id)
    (made,) = stored()
    assert (made.status, made.last_error) == (ConnectionStatus.ACTIVE, None)


def test_practice_account_when_a_key_is_given_then_none_is_opened(
    desk: Desk, visiting: MakeVisitor, alice: User
) -> None:
    keys = {"apiKey": "mine", "secret": "mine too"}
    answer = visiting(alice).post("/connections/new", NEW | keys | {"exchange_name": "sandbox"})
    assert answer.status_code == 302
    assert len(stored()) == 1
    assert desk.sandbox.accounts() == []


@pytest.mark.parametrize("urls", [{}, {"sandbox": "http://127.0.0.1:9"}])
def test_practice_account_when_no_practice_exchange_answers_then_says_so_and_stores_nothing(
    app: Flask, settings: Settings, visiting: MakeVisitor, alice: User, urls: dict[str, str]
) -> None:
    app.extensions["portal_settings"] = replace(settings, exchange_urls=urls)
    answer = visiting(alice).post("/connections/new", NEW | {"exchange_name": "sandbox"})
    app.extensions["portal_settings"] = settings
    assert answer.status_code == 422
    assert "practice exchange" in words(answer.text)
    assert 'value="My practice account"' in answer.text
    assert stored() == []
