"""The administration in a real browser: every page, wide and on a phone, light and dark, no complaint."""

import re

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from portal.db import db
from portal.models import Execution, ExecutionConnection, Signal, User
from portal.services import signals
from tests import world
from tests.admin.test_access import rules
from tests.e2e.conftest import OpenPage, log_in, person

#: Pages that are no pages.
SKIPPED = re.compile(r"/export/|\.csv$|/ajax/|/data/|/rq/job|/view/job/")
CONTRAST = """() => {
  const linear = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const rgb = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ground = (node) => {
    for (let e = node; e; e = e.parentElement) {
      const color = rgb(getComputedStyle(e).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const bad = [];
  for (const node of document.querySelectorAll('body *')) {
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    if (!own || !node.checkVisibility() || node.closest('.skip, .visually-hidden, option')) continue;
    const [a, b] = [light(rgb(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const said = node.textContent.trim().slice(0, 30);
    if (ratio < 4.5) bad.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)} ${said}`);
  }
  return bad;
}"""


@pytest.fixture
def admin(app: Flask) -> User:
    return person("admin@example.org", "admin")


def fill(admin: User) -> None:
    """Rows on every page."""
    alice = world.make_user("alice@example.org")
    plan = world.make_plan("Gold", alice)
    connection = world.make_connection(
        alice, "A connection with a rather long name", last_error="Refused. " * 20
    )
    execution = world.make_execution(world.make_signal(admin, plans=[plan]), connection)
    world.make_order(execution)
    world.make_log(execution, message="Sent to the exchange. " * 8)
    world.make_position(connection, execution_id=execution.id)
    world.make_notification(alice)
    signals.publish(world.make_signal(admin, plans=[plan]).id, actor=admin)


def addresses(app: Flask) -> list[str]:
    found = []
    for method, path in rules(app):
        if method == "GET" and not SKIPPED.search(path):
            needs_row = path.endswith(("/details/", "/edit/"))
            found.append(f"{path}?id=1" if needs_row else path)
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)], ids=["wide", "phone"])
def test_every_page_when_opened_then_fits_is_readable_and_breaks_no_policy(
    app: Flask, admin: User, open_page: OpenPage, width: int, height: int, dark: bool
) -> None:
    fill(admin)
    page = open_page(width=width, height=height, dark=dark)
    log_in(page, admin.email)
    problems = []
    for path in addresses(app):
        response = page.goto(path, wait_until="load")
        assert response is not None
        assert response.status == 200, path
        problems += [f"{path}: {line}" for line in page.evaluate(CONTRAST)]
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if beyond > 0:
            problems.append(f"{path}: {beyond} px too wide")
    assert problems == []


def test_contrast_check_when_text_is_pale_then_finds_it(admin: User, page: Page) -> None:
    log_in(page, admin.email)
    page.goto("/admin/")
    page.evaluate("document.querySelector('h1').style.color = 'rgb(190, 190, 190)'")
    (found,) = page.evaluate(CONTRAST)
    assert found.startswith("H1")


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
    expect(page.get_by_role("cell", name="Desk")).to_be_visible()
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
    page.get_by_text(admin.email).first.focus()
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
