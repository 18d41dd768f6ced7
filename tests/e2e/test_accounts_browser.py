"""People and their logins in a real browser: from the invitation to the first practice account, passkeys on a
virtual device, the security page on every screen, and a session that ends while somebody types."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from portal.db import db
from portal.models import AuditEntry, ExecutionConnection, Passkey, TradingPreset, User
from portal.services import invitations
from portal.services.connections import test_connection as check
from portal.trading.types import ConnectionStatus
from tests import world
from tests.e2e.conftest import Complaints, log_in
from tests.people import PASSWORD
from tests.services.desk import Desk
from tests.services.floor import desk, sandbox_server

__all__ = ["desk", "sandbox_server"]


@pytest.fixture
def base(live_server: str) -> str:
    """The portal under a name: passkeys do not work under a bare IP address."""
    return live_server.replace("127.0.0.1", "localhost")


def give_device(page: Page) -> None:
    """A phone that agrees to everything."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_owner_when_invited_then_gets_to_the_first_practice_account(
    app: Flask, page: Page, desk: Desk
) -> None:
    world.save(TradingPreset(name="Careful", description="Half a percent per trade."))
    world.make_plan("Gold")
    _, raw = invitations.invite("carol@example.org", "trader", actor=desk.admin)
    page.goto(f"/invitation/{raw}")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("The same again").fill("correct horse battery")
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    page.wait_for_load_state()
    page.get_by_label("Exchange").select_option("binance")
    expect(page.get_by_text("Enter it here")).to_be_visible()
    page.get_by_label("Exchange").select_option("sandbox")
    page.get_by_role("button", name="Open a practice account").click()
    expect(page.get_by_text("was added")).to_be_visible()
    page.goto("/welcome")
    page.get_by_label("Careful").check()
    page.get_by_role("button", name="Use it on connections").click()
    expect(page.get_by_text("is used on 1 connection")).to_be_visible()
    db.session.rollback()
    made = db.session.scalars(sa.select(ExecutionConnection)).one()
    assert (made.exchange_name, made.mode, made.preset_id) == ("sandbox", "paper", 1)
    check(made.id)
    db.session.rollback()
    assert made.status is ConnectionStatus.ACTIVE


def test_s05_passkey_when_added_then_logs_in_alone_and_not_after_it_was_deleted(
    alice: User, page: Page, base: str
) -> None:
    give_device(page)
    page.goto(base + "/login")
    page.fill("#email", alice.email)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.goto(base + "/wan-register")
    page.get_by_label("Name of the device").fill("Phone")
    page.get_by_label(re.compile("Instead of password")).check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Security")).to_be_visible()
    expect(page.get_by_text("Phone", exact=True)).to_be_visible()
    assert world.count(Passkey) == 1
    log_out(page)
    page.get_by_role("link", name="Log in with a passkey").click()
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()
    page.goto(base + "/account")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete Phone").click()
    page.wait_for_url(re.compile("/wan-register|/account"))
    assert world.count(Passkey) == 0
    trail = sa.select(AuditEntry.action).where(AuditEntry.data.has_key("passkey")).order_by(AuditEntry.id)
    assert list(db.session.scalars(trail)) == ["portal.user.passkey_added", "portal.user.passkey_removed"]
    log_out(page)
    page.goto(base + "/wan-signin")
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url(re.compile("/wan-signin"))
    page.goto(base + "/account")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_s05_passkey_when_it_is_the_second_factor_then_the_password_alone_is_not_enough(
    alice: User, page: Page, base: str
) -> None:
    give_device(page)
    page.goto(base + "/login?next=/wan-register")
    page.fill("#email", alice.email)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Name of the device").fill("Key")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("as second factor")).to_be_visible()
    log_out(page)
    page.fill("#email", alice.email)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def log_out(page: Page) -> None:
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.get_by_text("Your session was over")).to_have_count(0)


def test_s07_form_when_the_login_grew_old_meanwhile_then_nothing_typed_is_lost(
    app: Flask, alice: User, page: Page, complaints: Complaints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SECURITY_FRESHNESS_GRACE_PERIOD", timedelta(0))
    log_in(page, alice.email)
    page.goto("/connections/new")
    page.get_by_label("Name").fill("Typed with care")
    page.get_by_label("Exchange").select_option("bybit")
    monkeypatch.setitem(app.config, "SECURITY_FRESHNESS", timedelta(microseconds=1))
    page.get_by_role("button", name="Add and test").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    monkeypatch.undo()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Typed with care was added")).to_be_visible()
    # The browser notes the 401 of the question; nothing else may be in its console.
    assert len(complaints.lines) == 1
    assert "401" in complaints.lines.pop()
