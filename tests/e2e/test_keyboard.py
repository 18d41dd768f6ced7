"""Without a mouse: every control is reached in order and seen to be reached, menus open and close, and a
signal goes from the login to the accounts by Tab, Enter and Space."""

import pytest
from playwright.sync_api import Page, expect

from portal.db import db
from portal.models import Execution, Signal, User
from tests import world
from tests.e2e.conftest import OpenPage, log_in
from tests.e2e.keyboard import Keyboard
from tests.people import PASSWORD

PANEL = (
    "/admin/", "/admin/signals/", "/admin/signals/new/", "/admin/connections/details/?id=1",
    "/admin/presets/new/", "/admin/positions/", "/admin/trading_state/", "/admin/report/",
)  # fmt: skip
PORTAL = (
    "/", "/connections", "/connections/new", "/positions/1", "/executions", "/analytics", "/notifications",
    "/account", "/welcome",
)  # fmt: skip


def trade(author: User, owner: User) -> None:
    connection = world.make_connection(owner, "Desk")
    execution = world.make_execution(world.make_signal(author), connection)
    world.make_position(connection, execution_id=execution.id)
    world.make_notification(owner)


def faults(page: Page, paths: tuple[str, ...]) -> str:
    """What a walk with Tab over each of these pages meets."""
    db.session.rollback()
    found = []
    for path in paths:
        page.goto(path, wait_until="load")
        keyboard = Keyboard(page)
        stops = keyboard.walk()
        found += [f"{path}: {fault}" for stop in stops for fault in stop.faults()]
        missed = set(keyboard.controls()) - {stop.html for stop in stops}
        found += [f"{path}: never reached: {control}" for control in missed]
    return "\n".join(found)


@pytest.mark.timeout(300)
def test_page_of_the_panel_when_walked_by_tab_then_every_control_is_reached_in_order_and_seen(
    admin: User, page: Page
) -> None:
    trade(admin, admin)
    log_in(page, admin.email)
    assert faults(page, PANEL) == ""


@pytest.mark.timeout(300)
def test_page_of_an_owner_when_walked_by_tab_then_every_control_is_reached_in_order_and_seen(
    admin: User, alice: User, page: Page
) -> None:
    trade(admin, alice)
    log_in(page, alice.email)
    assert faults(page, PORTAL) == ""


def test_signal_when_there_is_no_mouse_then_goes_from_the_login_to_the_account(
    admin: User, page: Page
) -> None:
    world.make_connection(admin, "Desk")
    keyboard = Keyboard(page)
    page.goto("/login?next=/admin/")
    page.get_by_label("E-mail address").focus()
    keyboard.type(admin.email)
    keyboard.to("Password", "input")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()

    keyboard.to("Signals", "a")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Signals", exact=True)).to_be_visible()
    keyboard.to("Skip to the content")
    keyboard.press("Enter")
    keyboard.to("New", "a")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New")).to_be_visible()
    keyboard.to("Currency pair")
    keyboard.type("BTC/USDT")
    keyboard.to("Direction")
    keyboard.type("buy")
    keyboard.to("Save draft")
    keyboard.press("Space")
    expect(page.get_by_text("This is a draft")).to_be_visible()
    keyboard.to("Publish…")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Publish signal")).to_be_visible()
    keyboard.to("Publish to 1 connection")
    assert world.count(Execution) == 0
    keyboard.press("Space")
    expect(page.get_by_text("was published to 1 connection")).to_be_visible()
    assert world.count(Execution) == 1
    assert db.session.query(Signal).one().is_published


def test_skip_link_when_used_then_the_next_stop_is_in_the_content(admin: User, page: Page) -> None:
    log_in(page, admin.email)
    page.goto("/admin/")
    keyboard = Keyboard(page)
    first = keyboard.tab()
    assert first is not None
    assert first.name == "Skip to the content"
    assert first.faults() == []
    keyboard.press("Enter")
    keyboard.tab()
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_menu_of_the_account_when_escape_is_pressed_then_closes_and_keeps_the_focus(
    admin: User, page: Page
) -> None:
    log_in(page, admin.email)
    keyboard = Keyboard(page)
    keyboard.to("Your account", "summary")
    keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    keyboard.press("Tab", "Escape")
    expect(page.get_by_role("button", name="Log out")).to_be_hidden()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_menu_on_a_phone_when_escape_is_pressed_then_closes_and_keeps_the_focus(
    admin: User, open_page: OpenPage
) -> None:
    page = open_page(width=390, height=844)
    log_in(page, admin.email)
    page.goto("/admin/")
    keyboard = Keyboard(page)
    keyboard.to("Menu", "button")
    keyboard.press("Enter")
    expect(page.get_by_role("link", name="Signals", exact=True)).to_be_visible()
    keyboard.to("Signals", "a")
    keyboard.press("Escape")
    expect(page.get_by_role("link", name="Signals", exact=True)).to_be_hidden()
    assert page.evaluate("document.activeElement.textContent").strip() == "Menu"
