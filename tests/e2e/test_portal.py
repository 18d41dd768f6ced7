"""The portal in a real browser: log in, add an account, close a position."""

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page

from portal.db import db
from portal.models import ExecutionConnection, ExecutionPosition, User
from tests import world
from tests.e2e.conftest import log_in


@pytest.fixture
def owner(alice: User) -> User:
    """Alice, with something on every page."""
    connection = world.make_connection(alice, "A rather long name of an account at an exchange")
    execution = world.make_execution(world.make_signal(world.make_admin()), connection)
    world.make_order(execution, exchange_order_id="8389765502")
    world.make_log(execution, message="The exchange accepted the order 8389765502.")
    world.make_position(connection, execution_id=execution.id)
    world.make_notification(alice, "BTC/USDT was bought", execution_id=execution.id)
    return alice


def test_owner_closes_a_position_after_being_asked(owner: User, page: Page) -> None:
    log_in(page, owner.email)
    page.get_by_role("link", name="Close…").click()
    page.get_by_role("button", name="Close at the market").click()
    page.get_by_text("A worker closes BTC/USDT").wait_for()
    db.session.rollback()
    assert db.session.scalars(sa.select(ExecutionPosition.close_reason)).all() == ["manual"]


def test_owner_adds_an_account_and_its_keys_are_not_in_any_page(owner: User, page: Page) -> None:
    log_in(page, owner.email)
    page.goto("/connections/new")
    page.get_by_label("Name").fill("Kraken account")
    page.get_by_label("Exchange").select_option("kraken")
    page.get_by_label("API key").fill("canary-key")
    page.get_by_label("API secret").fill("canary-secret")
    page.get_by_role("button", name="Add and test").click()
    page.get_by_text("Kraken account was added").wait_for()
    assert "canary" not in page.content()
    db.session.rollback()
    made = db.session.scalars(
        sa.select(ExecutionConnection).where(ExecutionConnection.name == "Kraken account")
    ).one()
    assert (made.user_id, made.get_credential("secret")) == (owner.id, "canary-secret")


def test_owner_reads_a_notification_away(owner: User, page: Page) -> None:
    log_in(page, owner.email)
    page.get_by_label("1 unread").wait_for()
    page.get_by_role("button", name="Mark read").click()
    page.get_by_role("heading", name="Recent executions").wait_for()
    assert page.get_by_label("1 unread").count() == 0
