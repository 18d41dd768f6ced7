"""The administration in a real browser: what an operator does, and the menus on a phone and by keyboard."""

import re

from playwright.sync_api import Page, expect

from portal.db import db
from portal.models import Execution, ExecutionConnection, Signal, User
from tests import world
from tests.e2e.conftest import OpenPage, log_in


def test_signal_when_written_and_published_in_the_browser_then_reaches_the_account(
    admin: User, page: Page
) -> None:
    world.make_connection(admin, "Desk")
    log_in(page, admin.email)
    page.goto("/admin/")
    page.get_by_role("link", name="Signals", exact=True).click()
    page.get_by_role("link", name="New").first.click()
    page.get_by_label("Currency pair").fill("BTC/USDT")
    page.get_by_label("Open price").fill("64000")
    page.get_by_label("Stop loss").fill("70000")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".field-error")).to_contain_text("must be below open_price")
    page.get_by_label("Stop loss").fill("63000")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("This is a draft")).to_be_visible()
    page.get_by_role("link", name="Publish…").click()
    assert world.count(Execution) == 0
    page.get_by_role("button", name="Publish to 1 connection").click()
    expect(page.get_by_text("was published to 1 connection")).to_be_visible()
    expect(page.get_by_role("cell", name="Desk", exact=True)).to_be_visible()
    assert world.count(Execution) == 1
    assert db.session.query(Signal).one().is_published


def test_delete_when_the_question_is_answered_with_no_then_nothing_happens(admin: User, page: Page) -> None:
    world.make_connection(admin, "Desk")
    log_in(page, admin.email)
    page.goto("/admin/connections/details/?id=1")
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    assert world.count(ExecutionConnection) == 1
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(re.compile("/admin/connections/$"))
    assert world.count(ExecutionConnection) == 0


def test_phone_menu_when_pressed_then_opens_and_leads_on(admin: User, open_page: OpenPage) -> None:
    page = open_page(width=390, height=844)
    log_in(page, admin.email)
    page.goto("/admin/")
    link = page.get_by_role("link", name="Audit")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    link.click()
    expect(page.get_by_role("heading", name="Audit")).to_be_visible()


def test_account_menu_when_used_by_keyboard_then_logs_out(admin: User, page: Page) -> None:
    log_in(page, admin.email)
    page.goto("/admin/")
    page.locator("details.account summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").press("Enter")
    page.wait_for_url(re.compile("/login"))
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_second_factor_page_when_set_up_then_shows_the_code_without_breaking_the_policy(
    admin: User, page: Page
) -> None:
    log_in(page, admin.email)
    page.goto("/tf-setup")
    page.get_by_label("Use an authenticator app").check()
    page.get_by_role("button", name="Continue").click()
    box = page.locator(".qr svg").bounding_box()
    assert box is not None
    assert box["width"] > 100
