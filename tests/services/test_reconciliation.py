"""The exchange and the books disagree: what somebody else did is recorded as that, by two looks, never by a
read that failed. Orders are counted at the exchange."""

from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read
from portal.services import books, positions, reconciliation
from portal.trading.types import (
    ClosedReason,
    ConnectionMode,
    ExecutionStatus,
    NotificationType,
    PositionStatus,
    Protection,
)
from tests.services.desk import Desk
from tests.services.protected import closable, guarded, opened, take_off
from tests.services.reconciled import connection_ids, cycle, differences, notices, trade_by_hand


def test_f53_position_closed_by_hand_when_reconciled_twice_is_external_and_fires_no_stop(
    desk: Desk, venue: str
) -> None:
    opened(desk, venue, sl="49000")
    held = desk.position()
    trade_by_hand(desk, venue, "sell", closable(held))
    before = desk.accepted()
    cycle(desk)
    first = desk.position()
    assert first.status is PositionStatus.OPEN, "one look is not enough"
    assert first.quantity == held.quantity
    cycle(desk)
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.EXTERNAL
    assert position.realized_pnl < 0, "its result is that of the exchange's own trades"
    assert position.unexplained_quantity == 0
    desk.price("BTC/USDT", 48_000)
    desk.watch()
    desk.protect()
    assert desk.accepted() == before
    assert books.verify() == []
    assert differences() == 0
    (external,) = [order for order in desk.orders() if order.is_external]
    assert external.filled_quantity == external.quantity == closable(held)
    assert len(notices(NotificationType.CLOSE)) == 1


def test_f53_guarded_position_closed_by_hand_leaves_no_guard_behind(desk: Desk) -> None:
    guarded(desk, "sandboxusdm", sl="49000", tp=["52000"])
    trade_by_hand(desk, "sandboxusdm", "sell", desk.position().quantity)
    accepted = desk.accepted()
    for _ in range(2):
        cycle(desk)
        desk.watch()
    position = desk.position()
    assert (position.status, position.closed_reason) == (PositionStatus.CLOSED, ClosedReason.EXTERNAL)
    for _ in range(3):
        desk.later(60)
        desk.resolve_due()
        desk.protect()
    assert desk.guards() == []
    desk.price("BTC/USDT", 48_000)
    desk.watch()
    assert desk.held("alpha") == 0
    assert desk.accepted() == accepted
    assert books.verify() == []


def test_position_reduced_by_hand_when_reconciled_twice_is_smaller_and_its_guards_follow(
    desk: Desk, venue: str
) -> None:
    guarded(desk, venue, sl="49000")
    held = desk.position().quantity
    if venue == "sandbox":
        take_off(desk, venue)  # a resting stop keeps the coins, so the owner cancels it first
    trade_by_hand(desk, venue, "sell", "0.005")
    cycle(desk)
    cycle(desk)
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert position.quantity == held - Decimal("0.005")
    for _ in range(3):
        desk.later(60)
        desk.resolve_due()
        desk.protect()
    assert desk.position().protection is Protection.NATIVE
    (stop,) = desk.guards()
    assert stop.quantity == closable(desk.position())
    assert books.verify() == []


def test_coins_withdrawn_when_no_trade_explains_it_are_a_named_disagreement(desk: Desk) -> None:
    opened(desk, "sandbox")
    held = desk.position().quantity
    desk.sandbox.update_account("alpha", balances={"BTC": "0.005"})
    cycle(desk)
    cycle(desk)
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert position.quantity == Decimal("0.005")
    assert position.unexplained_quantity == held - Decimal("0.005")
    (found,) = books.verify()
    assert found.field == "unexplained_quantity"
    assert found.is_known
    (told,) = notices(NotificationType.ERROR)
    assert "no trade says how" in told.title
    cycle(desk)
    assert desk.position().quantity == Decimal("0.005"), "it is booked once"
    assert desk.accepted() == 1


def test_all_coins_withdrawn_when_confirmed_close_the_position_as_external(desk: Desk) -> None:
    opened(desk, "sandbox")
    held = desk.position().quantity
    desk.sandbox.update_account("alpha", balances={"BTC": "0"})
    cycle(desk)
    cycle(desk)
    position = desk.position()
    assert (position.status, position.closed_reason) == (PositionStatus.CLOSED, ClosedReason.EXTERNAL)
    assert position.unexplained_quantity == held
    assert [each.field for each in books.verify()] == ["unexplained_quantity"]
    assert books.verify_books_nightly() != []
    assert len(notices(NotificationType.ERROR)) == 1, "what was told is not told again every night"


@pytest.mark.parametrize("fault", ["http_before", "garbage_200", "empty_200"])
def test_read_when_it_fails_for_many_cycles_changes_nothing(desk: Desk, venue: str, fault: str) -> None:
    opened(desk, venue, sl="49000")
    held = desk.position()
    trade_by_hand(desk, venue, "sell", closable(held))
    kind = "account" if venue == "sandbox" else "positions"
    desk.sandbox.add_fault(fault, kind, status=500)
    for _ in range(6):
        cycle(desk)
    position = desk.position()
    assert (position.status, position.quantity) == (PositionStatus.OPEN, held.quantity)
    assert differences() == 0
    desk.sandbox.clear_faults()
    cycle(desk)
    assert desk.position().status is PositionStatus.OPEN
    cycle(desk)
    assert desk.position().status is PositionStatus.CLOSED


def test_trades_when_they_cannot_be_read_leave_the_position_open(desk: Desk, venue: str) -> None:
    opened(desk, venue)
    trade_by_hand(desk, venue, "sell", closable(desk.position()))
    cycle(desk)
    desk.sandbox.add_fault("http_before", "myTrades", status=500)
    for _ in range(4):
        cycle(desk)
    assert desk.position().status is PositionStatus.OPEN
    assert desk.position().unexplained_quantity == 0


def test_first_look_when_it_is_stale_or_too_fresh_confirms_nothing(desk: Desk, venue: str) -> None:
    opened(desk, venue)
    trade_by_hand(desk, venue, "sell", closable(desk.position()))
    cycle(desk)
    cycle(desk, seconds=3600)
    assert desk.position().status is PositionStatus.OPEN, "an hour ago is no confirmation"
    cycle(desk, seconds=5)
    assert desk.position().status is PositionStatus.OPEN, "neither are five seconds"
    cycle(desk, seconds=20)
    assert desk.position().status is PositionStatus.CLOSED


def test_own_coins_when_they_are_more_than_the_books_are_nobodys_business(desk: Desk) -> None:
    desk.sandbox.set_latency(0)
    opened(desk, "sandbox")
    held = desk.position().quantity
    trade_by_hand(desk, "sandbox", "buy", "0.01")
    trade_by_hand(desk, "sandbox", "sell", "0.009")
    for _ in range(3):
        cycle(desk)
    assert desk.position().quantity == held
    assert differences() == 0
    assert [order for order in desk.orders() if order.is_external] == []


def test_own_close_when_it_races_with_the_comparison_is_booked_once_as_ours(desk: Desk, venue: str) -> None:
    opened(desk, venue)
    held = desk.position()
    trade_by_hand(desk, venue, "sell", "0.005")
    cycle(desk)
    positions.request_close(held.id, actor=desk.admin)
    desk.close_wanted()
    cycle(desk)
    cycle(desk)
    cycle(desk)
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert abs(desk.held("alpha")) < Decimal("0.0001")
    assert books.verify() == []
    assert sum(order.filled_quantity for order in desk.orders()[1:]) == closable(held)


def test_close_refused_because_the_venue_is_flat_when_reconciled_is_settled_in_two_cycles(desk: Desk) -> None:
    opened(desk, "sandboxusdm", sl="49000")
    trade_by_hand(desk, "sandboxusdm", "sell", desk.position().quantity)
    desk.price("BTC/USDT", 48_000)
    desk.watch()
    assert desk.position().close_reason is ClosedReason.STOP_LOSS
    accepted = desk.accepted()
    for _ in range(2):
        cycle(desk)
        desk.close_wanted()
    position = desk.position()
    assert (position.status, position.closed_reason) == (PositionStatus.CLOSED, ClosedReason.EXTERNAL)
    for _ in range(2):
        desk.later(120)
        desk.watch()
    assert desk.accepted() == accepted
    assert books.verify() == []


def test_several_positions_on_one_market_when_reduced_by_hand_lose_the_oldest_first(
    desk: Desk, venue: str
) -> None:
    opened(desk, venue, preset={"max_positions_per_symbol": 3})
    desk.trade()
    first, second = desk.positions()
    part = closable(first) + Decimal("0.005")
    trade_by_hand(desk, venue, "sell", part)
    cycle(desk)
    cycle(desk)
    first, second = desk.positions()
    assert first.status is PositionStatus.CLOSED
    assert second.status is PositionStatus.OPEN
    lost = second.entry_quantity - second.quantity
    assert abs(lost - Decimal("0.005")) <= 2 * second.lot_size
    assert books.verify() == []
    (external,) = [order for order in desk.orders() if order.is_external]
    assert external.filled_quantity <= part


def test_paper_account_when_compared_agrees_and_is_left_alone(app: Flask, desk: Desk) -> None:
    settings = app.extensions["portal_settings"]
    urls = {**settings.exchange_urls, "binance": desk.sandbox.url}
    app.extensions["portal_settings"] = replace(settings, exchange_urls=urls)
    connection = desk.account(
        exchange="binance", preset=desk.sized(market_type="spot"), mode=ConnectionMode.PAPER
    )
    assert connection.mode is ConnectionMode.PAPER
    before = desk.accepted()
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.FILLED, execution.message
    held = desk.position().quantity
    for _ in range(3):
        cycle(desk)
    assert desk.position().quantity == held
    assert differences() == 0
    assert desk.accepted() == before
    assert books.verify() == []


def test_comparison_of_many_positions_asks_the_database_the_same_few_times(desk: Desk) -> None:
    desk.account(
        exchange="sandboxusdm",
        preset=desk.sized(200, market_type="swap"),
    )
    desk.price("BTC/USDT", 50_000)
    counts = []
    for wanted in (1, 4):
        while len(desk.positions()) < wanted:
            assert desk.trade().status is ExecutionStatus.FILLED
        (connection_id,) = connection_ids()
        cycle(desk)
        end_read()
        desk.sandbox.reset_requests()
        statements: list[str] = []

        def note(*call: object, into: list[str] = statements) -> None:
            into.append(str(call[2]))

        sa.event.listen(db.engine, "before_cursor_execute", note)
        result = reconciliation.reconcile(connection_id)
        sa.event.remove(db.engine, "before_cursor_execute", note)
        assert result is not None
        assert (result.agreed, result.failed) == (1, [])
        asked = desk.sandbox.requests()["by_endpoint"]
        assert (asked["positions"], asked["openOrders"]) == (1, 2), "orders, and stops that are kept apart"
        assert set(asked) == {"positions", "openOrders"}
        counts.append(len(statements))
    assert counts[0] == counts[1]
