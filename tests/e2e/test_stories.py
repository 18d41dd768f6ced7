"""Two people and the whole portal, in real processes and a real browser: the operator from the login to a
halt, the account owner from an invitation to the first trade. Orders are counted at the exchange."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from bench.children import until
from portal.db import db, end_read
from portal.exchanges.sandbox.client import SandboxAccount
from portal.models import ExecutionConnection, Plan
from portal.services import signals, users
from tests import world
from tests.e2e.conftest import OpenPage, log_in
from tests.e2e.house import House, house
from tests.e2e.receiver import Receiver, receiver
from tests.helpers import silence
from tests.people import PASSWORD
from tests.web.test_security_factor import code_of

pytestmark = pytest.mark.timeout(600)

OPERATOR, MANAGER, CAROL = "operator@example.com", "manager@example.com", "carol@example.com"


@pytest.fixture(scope="module")
def portal() -> Iterator[House]:
    allowed = {"PORTAL_NOTIFY_PRIVATE_HOSTS": "127.0.0.1", "PORTAL_ORDER_WINDOW_SECONDS": "3"}
    with house(**allowed) as opened:
        opened.sandbox.set_price("BTCUSDT", 60_000, hold=True)
        for email in (OPERATOR, MANAGER):
            opened.person(email, "admin", PASSWORD)
        end_read()
        yield opened


@pytest.fixture
def live_server(portal: House) -> str:
    """Pages are opened in the whole portal, not in an application of this process."""
    return portal.base


@pytest.fixture
def news() -> Iterator[Receiver]:
    with receiver() as opened:
        yield opened


def entries(portal: House, accounts: Sequence[str]) -> list[int]:
    """Orders of each account that trade at once: no guards, which wait for a price."""
    sent = Counter(order.account for order in portal.sandbox.orders() if not order.trigger_price)
    return [sent[account] for account in accounts]


def known(portal: House) -> list[str]:
    return [str(account["name"]) for account in portal.sandbox.accounts()]


def log_in_with_a_code(page: Page) -> None:
    """Switch the second factor on, and come in with it."""
    log_in(page, OPERATOR)
    page.goto("/tf-setup")
    page.get_by_label("Use an authenticator app").check()
    page.get_by_role("button", name="Continue").click()
    key = page.locator("p code").inner_text()
    page.get_by_role("textbox", name="Code").fill(code_of(key))
    page.get_by_role("button", name="Switch on").click()
    page.goto("/")
    page.locator("details.account summary").click()
    page.get_by_role("button", name="Log out").click()
    page.fill("#email", OPERATOR)
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("textbox", name="Code").fill(code_of(key, 1))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def import_accounts(page: Page, accounts: Sequence[SandboxAccount]) -> None:
    lines = ["name,exchange_name,type,mode,apiKey,secret,is_admin_owned"]
    lines += [f"{each.name},sandbox,crypto,paper,{each.api_key},{each.secret},true" for each in accounts]
    page.goto("/admin/connections/")
    page.get_by_role("link", name="Import").click()
    page.get_by_label("Owner").select_option(OPERATOR)
    page.get_by_label("Or pasted text").fill("\n".join(lines))
    page.get_by_role("button", name="Check only").click()
    expect(page.get_by_text(f"All {len(accounts)} connections can be imported")).to_be_visible()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text(f"{len(accounts)} connections were imported")).to_be_visible()


def is_tested(name: str) -> bool:
    """Whether a worker has reached the account."""
    query = sa.select(ExecutionConnection.last_tested_at).where(ExecutionConnection.name == name)
    found = db.session.scalar(query)
    end_read()
    return found is not None


def write_draft(page: Page) -> None:
    page.goto("/admin/signals/new/")
    page.get_by_label("Currency pair").fill("BTC/USDT")
    page.get_by_label("Stop loss").fill("57000")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("This is a draft")).to_be_visible()


def publish(page: Page, count: int) -> None:
    page.get_by_role("link", name="Publish…").click()
    page.get_by_role("button", name=f"Publish to {count} connections").click()
    expect(page.get_by_text(f"was published to {count} connections")).to_be_visible()


def follow(page: Page, outcomes: dict[str, str]) -> None:
    """Watch the page of the signal until every account has its outcome. Nobody reloads it."""
    for name, status in outcomes.items():
        row = page.locator("#report tr").filter(has_text=name)
        expect(row).to_contain_text(status)


def settle_the_doubt(page: Page, portal: House, name: str) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="Unresolved orders").click()
    page.locator("main tbody a").first.click()
    expect(page.get_by_text("It may exist at the exchange")).to_be_visible()
    expect(page.get_by_text(name).first).to_be_visible()
    portal.sandbox.clear_faults()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("This order is settled: it is filled")).to_be_visible()


def close_all(page: Page, count: int) -> None:
    page.goto("/admin/positions/")
    page.get_by_role("link", name="Close all…").click()
    phrase = page.locator("label[for=confirmation] code").inner_text()
    page.get_by_label("Deny new entries").uncheck()
    page.get_by_label("To confirm, type").fill(phrase)
    page.get_by_role("button", name="Close all at the market").click()
    expect(page.get_by_text(f"All {count} positions are closed.")).to_be_visible()


def switch(page: Page, state: str) -> None:
    page.goto("/admin/trading_state/")
    page.get_by_label("State", exact=True).select_option(state)
    page.get_by_label("For", exact=True).select_option("everything")
    page.get_by_label("To be sure").fill(state.upper())
    page.get_by_label("Reason", exact=True).fill("a drill")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("main tbody").first).to_contain_text(state)


def test_operator_from_the_login_to_a_halt_and_back(portal: House, open_page: OpenPage) -> None:
    page = open_page()
    log_in_with_a_code(page)
    accounts = portal.sandbox.create_accounts(3, "desk")
    import_accounts(page, accounts)
    first, second, third = names = [each.name for each in accounts]

    write_draft(page)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("All 3 accounts have answered.")).to_be_visible()
    assert entries(portal, names) == [0, 0, 0]

    portal.sandbox.add_fault("accept_no_answer", account=third, count=1)
    silence(portal.sandbox, account=third)
    publish(page, 3)
    follow(page, {first: "filled", second: "filled", third: "unresolved"})
    settle_the_doubt(page, portal, third)
    assert entries(portal, names) == [1, 1, 1]

    close_all(page, 3)
    assert entries(portal, names) == [2, 2, 2]

    switch(page, "halted")
    write_draft(page)
    publish(page, 3)
    follow(page, dict.fromkeys(names, "denied"))
    assert entries(portal, names) == [2, 2, 2]
    switch(page, "active")
    write_draft(page)
    publish(page, 3)
    follow(page, dict.fromkeys(names, "filled"))
    assert entries(portal, names) == [3, 3, 3]


def invite(page: Page, email: str) -> str:
    log_in(page, MANAGER)
    page.goto("/admin/invitations/new/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("button", name=re.compile("Save|Create|Invite")).click()
    return page.locator("code.once").inner_text()


def sign_up(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Create my account").click()
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()


def connect(page: Page) -> None:
    page.wait_for_load_state()
    page.get_by_label("Exchange").select_option("sandbox")
    page.get_by_label("Name").fill("Carol, practice")
    page.get_by_role("button", name="Open a practice account").click()
    expect(page.get_by_text("was added")).to_be_visible()
    until("The test of the account", lambda: is_tested("Carol, practice"), 150)


def add_channel(page: Page, news: Receiver) -> None:
    page.goto("/notifications/channels/new")
    page.get_by_label("Name").fill("My phone")
    page.get_by_label("Address").fill(news.channel)
    page.get_by_role("button", name="Add and send a test").click()
    expect(page.get_by_role("link", name="My phone")).to_be_visible()
    until("The message of the test", lambda: news.messages, 150)


def signal(**data: Any) -> None:
    """What a strategy sends."""
    sent = {"currency_pair": "BTC/USDT", "direction": "buy", "sl": "57000", **data}
    signals.submit(sent, author=users.find_user(MANAGER), source="api", publish=True)
    end_read()


def test_owner_from_the_invitation_to_the_first_trade_and_its_notification(
    portal: House, open_page: OpenPage, news: Receiver
) -> None:
    world.save(Plan(name="Majors", is_open=True))
    end_read()
    before = known(portal)
    page = open_page()
    sign_up(page, invite(open_page(), CAROL))
    connect(page)
    page.goto("/welcome")
    page.get_by_role("button", name="Subscribe to Majors").click()
    expect(page.get_by_text("You are subscribed")).to_be_visible()
    add_channel(page, news)

    page.goto("/positions")
    expect(page.get_by_role("heading", name="Positions")).to_be_visible()
    signal(plans=["Majors"])
    expect(page.get_by_text("Carol, practice").first).to_be_visible()
    assert entries(portal, [each for each in known(portal) if each not in before]) == [1]
    page.goto("/notifications")
    expect(page.locator("main")).to_contain_text("BTC/USDT")
    expect(page.locator("main")).to_contain_text("Carol, practice")
    until("The message of the trade", lambda: news.has("BTC/USDT", "Carol, practice"), 150)
