"""Positions close once, wholly, for the right reason, and the books agree with the exchange."""

from decimal import Decimal

import pytest

from portal.errors import ConflictError, NotFoundError
from portal.services import books, closing, positions
from portal.trading.types import ClosedReason, ExecutionStatus, OrderRole, PositionStatus
from tests.services.desk import Desk
from tests.services.protected import opened


def move(desk: Desk, price: int) -> None:
    desk.price("BTC/USDT", price)


def test_position_when_the_stop_is_reached_is_closed_once(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000", tp="52000")
    move(desk, 48_900)
    desk.watch()
    desk.watch()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.STOP_LOSS
    assert position.realized_pnl < 0
    assert desk.accepted() == 2
    assert desk.orders()[1].role is OrderRole.STOP_LOSS
    assert books.verify() == []


def test_position_when_targets_are_reached_is_closed_in_parts(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000", tp=["51000", "52000"])
    held = desk.position().quantity
    move(desk, 51_100)
    desk.watch()
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert Decimal(0) < position.quantity < held
    assert [target["done"] for target in position.tp_prices] == [True, False]
    desk.watch()
    assert desk.accepted() == 2, "a served target is not served again"
    move(desk, 52_100)
    desk.watch()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.TAKE_PROFIT
    assert position.realized_pnl > 0
    assert desk.accepted() == 3
    assert books.verify() == []


def test_price_between_stop_and_target_when_watched_closes_nothing(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000", tp="52000")
    move(desk, 50_500)
    desk.watch()
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert position.mark_price is not None
    assert position.unrealized_pnl > 0
    assert desk.accepted() == 1


def test_close_when_asked_for_by_hand_is_done_once(desk: Desk, venue: str) -> None:
    opened(desk, venue)
    key = desk.position().id
    positions.request_close(key, actor=desk.admin)
    positions.request_close(key, actor=desk.admin)
    for _ in range(3):
        closing.run_close(key)
    assert desk.position().closed_reason is ClosedReason.MANUAL
    assert desk.accepted() == 2
    with pytest.raises(ConflictError):
        positions.request_close(key, actor=desk.admin)
    with pytest.raises(NotFoundError):
        positions.request_close(key + 1, actor=desk.admin)


def test_closing_signal_when_a_position_is_open_closes_it(desk: Desk, venue: str) -> None:
    opened(desk, venue)
    execution = desk.trade(action="close")
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert desk.position().closed_reason is ClosedReason.SIGNAL
    assert desk.accepted() == 2
    assert books.verify() == []


def test_closing_signal_when_nothing_is_open_is_a_recorded_no_op(desk: Desk) -> None:
    desk.account()
    execution = desk.trade(action="close")
    assert execution.status is ExecutionStatus.DENIED
    assert execution.code == "NOTHING_TO_CLOSE"
    assert desk.accepted() == 0


def test_spot_sell_when_portico_holds_the_position_closes_it(desk: Desk) -> None:
    opened(desk, "sandbox")
    execution = desk.trade(direction="sell")
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2


def test_close_when_its_answer_is_lost_is_found_and_not_repeated(desk: Desk, venue: str) -> None:
    opened(desk, venue)
    key = desk.position().id
    desk.sandbox.add_fault("accept_no_answer", count=1)
    positions.request_close(key, actor=desk.admin)
    closing.run_close(key)
    assert desk.position().status is PositionStatus.CLOSING
    closing.run_close(key)
    assert desk.accepted() == 2
    desk.later(2)
    desk.resolve_due()
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2
    assert books.verify() == []


def test_close_when_proved_never_accepted_is_sent_again(desk: Desk, venue: str) -> None:
    opened(desk, venue)
    key = desk.position().id
    desk.sandbox.add_fault("close_before_accept", count=1)
    positions.request_close(key, actor=desk.admin)
    closing.run_close(key)
    desk.later(30)
    desk.resolve_due()
    assert desk.position().status is PositionStatus.OPEN
    desk.later(10)
    assert desk.sweep()["close_position"] == 1
    closing.run_close(key)
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2


def test_short_position_when_the_stop_is_reached_buys_back(desk: Desk) -> None:
    opened(desk, "sandboxusdm", direction="sell", sl="51000", tp="49000")
    move(desk, 51_100)
    desk.watch()
    position = desk.position()
    assert position.closed_reason is ClosedReason.STOP_LOSS
    assert position.realized_pnl < 0
    assert [order.side.value for order in desk.orders()] == ["sell", "buy"]
    assert desk.orders()[1].reduce_only
    assert books.verify() == []


def test_stop_when_the_price_gains_enough_moves_to_break_even(desk: Desk) -> None:
    desk.account(preset=desk.sized(break_even_at_r=Decimal(1)))
    move(desk, 50_000)
    desk.trade(sl="49000", tp="60000")
    move(desk, 51_200)
    desk.watch()
    position = desk.position()
    assert position.sl_price is not None and position.sl_price >= 50_000
    move(desk, 49_900)
    desk.watch()
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS


def test_f43_dust_when_a_spot_position_closes_is_booked_exactly(desk: Desk) -> None:
    """The fee of a spot buy is taken in base currency: what is left below one lot is dust, not a loss."""
    opened(desk, "sandbox")
    positions.request_close(desk.position().id, actor=desk.admin)
    desk.close_wanted()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    bought = sum((fill.quantity for fill in desk.fills() if fill.side.value == "buy"), Decimal(0))
    sold = sum((fill.quantity for fill in desk.fills() if fill.side.value == "sell"), Decimal(0))
    fee = sum(
        (Decimal(fee["cost"]) for fill in desk.fills() for fee in fill.fees if fee["currency"] == "BTC"),
        Decimal(0),
    )
    assert position.dust_quantity == bought - fee - sold
    assert position.quantity == 0
    assert books.verify() == []
