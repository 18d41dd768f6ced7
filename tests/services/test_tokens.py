"""API tokens: shown once, found by hash, revoked for good."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, transaction, utcnow
from portal.errors import NotFoundError, ValidationError
from portal.models import ApiToken, AuditEntry, User
from portal.services import tokens
from tests.world import count, make_user

pytestmark = pytest.mark.usefixtures("app")


def test_a_token_opens_what_it_was_made_for_and_is_not_stored() -> None:
    alice = make_user("alice@example.com")

    raw = tokens.create_token(alice, ["read", "signals:write"], "phone", actor=alice)

    found = tokens.authenticate(raw)
    assert found is not None
    assert found.user.email == "alice@example.com"
    assert found.scopes == ["signals:write", "read"]
    assert raw not in str(vars(db.session.get_one(ApiToken, found.id)))
    assert raw not in str(db.session.scalars(sa.select(AuditEntry.data)).all())


@pytest.mark.parametrize("raw", ["", "ptc_", "nonsense", "ptc_ä", "x" * 5000, "ptc_\x00"])
def test_an_unknown_token_opens_nothing(raw: str) -> None:
    tokens.create_token(make_user("alice@example.com"), ["read"], actor="test")

    assert tokens.authenticate(raw) is None
    assert db.session.scalars(sa.select(ApiToken.last_used_at)).all() == [None]


def test_a_revoked_token_opens_nothing_and_revoking_again_changes_nothing() -> None:
    raw = tokens.create_token(make_user("alice@example.com"), ["read"], actor="test")
    tokens.revoke(1, actor="test")
    revoked_at = db.session.get_one(ApiToken, 1).revoked_at

    tokens.revoke(1, actor="test")

    assert tokens.authenticate(raw) is None
    assert db.session.get_one(ApiToken, 1).revoked_at == revoked_at
    assert count(AuditEntry) == 2


def test_a_token_of_a_deactivated_user_opens_nothing() -> None:
    alice = make_user("alice@example.com")
    raw = tokens.create_token(alice, ["read"], actor="test")
    with transaction() as session:
        session.get_one(User, alice.id).active = False

    assert tokens.authenticate(raw) is None
    with pytest.raises(NotFoundError):
        tokens.create_token(alice, ["read"], actor="test")
    assert count(ApiToken) == 1


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "admin"]])
def test_unknown_or_missing_scopes_are_refused(scopes: list[str]) -> None:
    with pytest.raises(ValidationError, match="known: signals:write, read, positions:write"):
        tokens.create_token(make_user("alice@example.com"), scopes, actor="test")

    assert count(ApiToken) == 0


def test_the_last_use_is_written_at_most_once_a_minute() -> None:
    raw = tokens.create_token(make_user("alice@example.com"), ["read"], actor="test")
    tokens.authenticate(raw)
    first = db.session.get_one(ApiToken, 1).last_used_at
    tokens.authenticate(raw)
    assert db.session.get_one(ApiToken, 1, populate_existing=True).last_used_at == first

    with transaction() as session:
        session.get_one(ApiToken, 1).last_used_at = utcnow() - timedelta(minutes=2)
    tokens.authenticate(raw)

    last = db.session.get_one(ApiToken, 1, populate_existing=True).last_used_at
    assert first is not None
    assert last is not None
    assert last > first


def test_a_token_works_while_somebody_else_holds_its_row(app: Flask) -> None:
    raw = tokens.create_token(make_user("alice@example.com"), ["read"], actor="test")
    answers: list[bool] = []

    def ask() -> None:
        with app.app_context():
            answers.append(tokens.authenticate(raw) is not None)

    with transaction() as session:
        session.get_one(ApiToken, 1, with_for_update={"of": ApiToken})
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(timeout=5)

    assert answers == [True]


def test_a_token_that_does_not_exist_cannot_be_revoked() -> None:
    with pytest.raises(NotFoundError):
        tokens.revoke(7, actor="test")
