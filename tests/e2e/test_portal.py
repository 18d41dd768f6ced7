"""The portal in a real browser: log in, add an account, close a position."""

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page

from portal.db import db
from portal.models import ExecutionConnection, ExecutionPosition, User
from portal.services import users
from tests import world

PASSWORD = "a long enough password"


@pytest.fixture
def alice(app: Flask) -> User:
    user, _ = users.create_user("alice@example.org", "trader", PASSWORD, actor="tests")
    connection = world.make_connection(user, "A rather long name of an account at an exchange")
    execution = world.make_execution(world.make_signal(world.make_admin()), connection)
    world.make_order(execution, exchange_order_id="8389765502")
    world.make_log(execution, message="The exchange accepted the order 8389765502.")
    world.make_position(connection, execution_id=execution.id)
    world.make_notification(user, "BTC/USDT was bought", execution_id=execution.id)
    return user


def log_in(page: Page, url: str) -> list[str]:
    """Log in; returns the list that the browser's complaints will go into."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{url}/")
    page.get_by_label("E-mail address").fill("alice@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Home", exact=True).wait_for()
    return complaints


def test_owner_closes_a_position_after_being_asked(browser: Browser, live_server: str, alice: User) -> None:
    page = browser.new_page()
    log_in(page, live_server)
    page.get_by_role("link", name="Close…").click()
    page.get_by_role("button", name="Close at the market").click()
    page.get_by_text("A worker closes BTC/USDT").wait_for()
    db.session.rollback()
    assert db.session.scalars(sa.select(ExecutionPosition.close_reason)).all() == ["manual"]
    page.close()


def test_owner_adds_an_account_and_its_keys_are_not_in_any_page(
    browser: Browser, live_server: str, alice: User
) -> None:
    page = browser.new_page()
    log_in(page, live_server)
    page.goto(f"{live_server}/connections/new")
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
    assert (made.user_id, made.get_credential("secret")) == (alice.id, "canary-secret")
    page.close()


def test_owner_reads_a_notification_away(browser: Browser, live_server: str, alice: User) -> None:
    page = browser.new_page()
    log_in(page, live_server)
    page.get_by_label("1 unread").wait_for()
    page.get_by_role("button", name="Mark read").click()
    page.get_by_role("heading", name="Recent executions").wait_for()
    assert page.get_by_label("1 unread").count() == 0
    page.close()
