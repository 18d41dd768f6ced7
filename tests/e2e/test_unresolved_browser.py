"""An account has an order in doubt, and the operator settles it in a browser."""

from datetime import timedelta

from playwright.sync_api import Page, expect

from portal.db import db, transaction, utcnow
from portal.models import Order, User
from portal.services.unresolved import questions
from portal.trading.types import Answer, ExecutionStatus, OrderState, QuestionKind
from tests import world
from tests.e2e.conftest import log_in


def doubt(owner: User) -> None:
    """An entry whose answer was lost a minute ago, asked about in vain, and what the exchange shows."""
    connection = world.make_connection(owner, "Desk")
    execution = world.make_execution(world.make_signal(owner), connection, status=ExecutionStatus.UNRESOLVED)
    sent_at = utcnow() - timedelta(seconds=60)
    world.make_order(
        execution,
        state=OrderState.UNRESOLVED,
        sent_at=sent_at,
        not_after=sent_at + timedelta(seconds=5),
        next_query_at=utcnow() + timedelta(seconds=12),
        queries=3,
        error_message="The exchange did not answer within 10 s",
        payload={"margin_mode": None, "position_mode": "one_way"},
    )
    questions.failed(1, utcnow(), 10_012, TimeoutError("The exchange did not answer within 10 s"))
    questions.not_found(1, utcnow(), 48, {"order", "open"}, counted=True)
    seen = {"exchange_order_id": "771", "side": "buy", "filled_quantity": "0.5", "quantity": "0.5"}
    other = {**seen, "exchange_order_id": "772", "side": "sell", "why_not": "it is a sell, ours is a buy"}
    with transaction():
        questions.add(1, QuestionKind.LOOK, Answer.FOUND, duration_ms=61, listed=[seen, other])


def state() -> OrderState:
    db.session.rollback()
    return db.session.get_one(Order, 1, populate_existing=True).state


def test_order_in_doubt_when_the_operator_looked_then_is_asked_adopted_or_declared(
    admin: User, page: Page
) -> None:
    doubt(admin)
    log_in(page, admin.email)
    page.goto("/admin/")
    page.get_by_role("link", name="Unresolved orders").click()
    page.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_text("It may exist at the exchange")).to_be_visible()
    expect(page.get_by_text("It counts as proof.")).to_be_visible()
    page.get_by_role("button", name="Ask again").click()
    expect(page.get_by_text("The exchange is asked now")).to_be_visible()

    expect(page.get_by_role("radio").nth(1)).to_be_disabled()
    page.get_by_role("radio").first.check()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Adopt this order").click()
    expect(page.get_by_text("asked to adopt 771")).to_be_visible()
    assert state() is OrderState.UNRESOLVED

    page.get_by_label("To confirm, type").fill("not placed: Desk ETH/USDT")
    page.get_by_role("button", name="Declare it not placed").click()
    expect(page.get_by_text("type exactly: not placed: Desk BTC/USDT")).to_be_visible()
    assert state() is OrderState.UNRESOLVED
    page.get_by_label("To confirm, type").fill("not placed: Desk BTC/USDT")
    page.get_by_role("button", name="Declare it not placed").click()
    expect(page.get_by_text("This order is settled: it is not placed")).to_be_visible()
    assert state() is OrderState.NOT_PLACED
