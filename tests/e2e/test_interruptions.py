"""What happens to people in the middle of something: two tabs, a session that ends, a nervous finger on the
button, and the way back after something was sent. Nothing is done twice and nothing typed is lost."""

from typing import Any

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from portal.db import db, transaction, utcnow
from portal.models import AuditEntry, Execution, ExecutionConnection, TradingPreset, User, UserSession
from tests import world
from tests.e2e.conftest import Complaints, log_in
from tests.people import PASSWORD

NOTE = "Typed with care: <b>50 %</b> & “ü” 🚀"


def value(column: Any) -> Any:
    """What the only row has in `column` now."""
    db.session.rollback()
    found = db.session.scalars(sa.select(column)).one()
    db.session.rollback()
    return found


def end_sessions() -> None:
    with transaction() as session:
        session.execute(sa.update(UserSession).values(ended_at=utcnow()))


def log_in_again(page: Page, email: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def only(complaints: Complaints, status: int) -> None:
    """A browser notes every answer that is no success. There was one, with this status, and nothing else."""
    assert len(complaints.lines) == 1, complaints.lines
    assert f"status of {status}" in complaints.lines.pop()


def test_form_when_it_was_saved_in_another_tab_then_says_so_and_keeps_what_was_typed(
    alice: User, page: Page, complaints: Complaints
) -> None:
    world.make_connection(alice, "Desk")
    log_in(page, alice.email)
    other = page.context.new_page()
    complaints.listen(other)
    for tab in (page, other):
        tab.goto("/connections/1/edit")
    page.get_by_label("Name").fill("Named first")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The connection was changed")).to_be_visible()

    other.get_by_label("Name").fill("Named second")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("alice@example.org changed this")).to_be_visible()
    expect(other.get_by_label("Name")).to_have_value("Named second")
    assert value(ExecutionConnection.name) == "Named first"
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_text("The connection was changed")).to_be_visible()
    assert value(ExecutionConnection.name) == "Named second"
    complaints.lines[:] = [line for line in complaints.lines if "status of 422" not in line]


def test_form_when_the_session_ends_meanwhile_then_comes_back_after_the_login_and_is_not_sent_by_itself(
    alice: User, page: Page
) -> None:
    email = alice.email
    log_in(page, email)
    page.goto("/presets/new")
    page.get_by_label("Name").fill("Careful")
    page.get_by_label("Description").fill(NOTE)
    page.get_by_label("Market", exact=True).select_option("swap")
    end_sessions()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("what you typed is kept")).to_be_visible()
    log_in_again(page, email)
    expect(page.get_by_text("This is what you typed before")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Careful")
    expect(page.get_by_label("Description")).to_have_value(NOTE)
    expect(page.get_by_label("Market", exact=True)).to_have_value("swap")
    assert world.count(TradingPreset) == 0
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("Careful", exact=True).first).to_be_visible()
    assert value(TradingPreset.description) == NOTE


def test_form_when_somebody_logged_in_anew_in_another_tab_then_comes_back_to_be_sent_again(
    alice: User, page: Page, complaints: Complaints
) -> None:
    email = alice.email
    world.make_connection(alice, "Desk")
    log_in(page, email)
    page.goto("/connections/1/edit")
    page.get_by_label("Name").fill("Typed with care")
    other = page.context.new_page()
    complaints.listen(other)
    other.goto("/")
    other.locator("details.account summary").click()
    other.get_by_role("button", name="Log out").click()
    log_in_again(other, email)
    expect(other.get_by_role("heading", name="Home")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="This form was too old")).to_be_visible()
    only(complaints, 400)
    page.get_by_role("link", name="Open the form again").click()
    expect(page.get_by_label("Name")).to_have_value("Typed with care")
    assert value(ExecutionConnection.name) == "Desk"
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The connection was changed")).to_be_visible()
    assert value(ExecutionConnection.name) == "Typed with care"


def test_publish_when_double_clicked_and_gone_back_to_then_has_happened_once(admin: User, page: Page) -> None:
    world.make_connection(admin, "Desk")
    world.make_signal(admin)
    log_in(page, admin.email)
    page.goto("/admin/signals/publish/1")
    page.get_by_role("button", name="Publish to 1 connection").dblclick()
    expect(page.get_by_role("cell", name="Desk", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("cell", name="Desk", exact=True)).to_be_visible()
    page.go_back()
    page.goto("/admin/signals/publish/1")
    expect(page.get_by_text("Signal 1 is published already")).to_be_visible()
    expect(page.get_by_role("button", name="Publish to")).to_have_count(0)
    assert world.count(Execution) == 1


def test_close_when_double_clicked_and_gone_back_to_then_is_asked_for_once(alice: User, page: Page) -> None:
    world.make_position(world.make_connection(alice, "Desk"))
    log_in(page, alice.email)
    page.goto("/positions/1/close")
    page.get_by_role("button", name="Close at the market").dblclick()
    expect(page.get_by_text("A worker closes BTC/USDT").first).to_be_visible()
    page.go_back()
    page.reload()
    asked = sa.select(AuditEntry.id).where(AuditEntry.action == "portal.position.close_requested")
    db.session.rollback()
    assert len(db.session.scalars(asked).all()) == 1
