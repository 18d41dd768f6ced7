"""Exits of guarded positions: each happens once, and nothing stays behind that could open a position."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from portal.db import transaction
from portal.models import ExecutionPosition
from portal.services import books, closing, exits, monitor, positions
from portal.trading.types import (
    ClosedReason,
    ExecutionStatus,
    NotificationType,
    OrderRole,
    PositionStatus,
    Protection,
)
from tests.services import protected
from tests.services.desk import Desk
from tests.services.protected import closable, closing_fills, guarded, minute, nothing_is_left, told


def by_owner(desk: Desk) -> None:
    positions.request_close(desk.position().id, actor=desk.admin)
    desk.close_wanted()


def by_signal(desk: Desk) -> None:
    desk.trade(action="close")


def by_stop(desk: Desk) -> None:
    desk.price("BTC/USDT", 48_900)
    minute(desk)


def by_gap(desk: Desk) -> None:
    """F55."""
    desk.price("BTC/USDT", 41_000)
    minute(desk)


def by_all_targets(desk: Desk) -> None:
    desk.price("BTC/USDT", 53_000)
    minute(desk)


def by_target_and_stop(desk: Desk) -> None:
    desk.price("BTC/USDT", 51_100)
    minute(desk)
    assert desk.position().status is PositionStatus.OPEN
    desk.price("BTC/USDT", 48_000)
    minute(desk)


def by_target_and_owner(desk: Desk) -> None:
    desk.price("BTC/USDT", 51_100)
    minute(desk)
    by_owner(desk)


WAYS = [
    (by_owner, ClosedReason.MANUAL),
    (by_signal, ClosedReason.SIGNAL),
    (by_stop, ClosedReason.STOP_LOSS),
    (by_gap, ClosedReason.STOP_LOSS),
    (by_all_targets, ClosedReason.TAKE_PROFIT),
    (by_target_and_stop, ClosedReason.STOP_LOSS),
    (by_target_and_owner, ClosedReason.MANUAL),
]


@pytest.mark.parametrize(("way", "reason"), WAYS, ids=[way.__name__ for way, _ in WAYS])
def test_position_when_closed_in_whatever_way_leaves_nothing_at_the_exchange(
    desk: Desk, venue: str, way: Callable[[Desk], None], reason: ClosedReason
) -> None:
    """F51, F52: one exit for each thing that was held; a stale stop opens nothing."""
    guarded(desk, venue, sl="49000", tp=["51000", "52000"])
    way(desk)
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is reason
    nothing_is_left(desk)
    before = len(desk.sandbox.fills())
    for price in (30_000, 70_000, 50_000):
        desk.price("BTC/USDT", price)
        minute(desk)
    assert len(desk.sandbox.fills()) == before
    nothing_is_left(desk)
    assert told(desk, NotificationType.UNPROTECTED) == 0


def test_short_position_when_its_stop_fires_is_bought_back_once(desk: Desk) -> None:
    guarded(desk, "sandboxusdm", direction="sell", sl="51000", tp="45000")
    desk.price("BTC/USDT", 51_100)
    minute(desk)
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    assert len(closing_fills(desk, "BUY")) == 1
    nothing_is_left(desk)


def test_stop_when_it_fires_at_the_exchange_is_booked_without_an_order_of_ours(
    desk: Desk, venue: str
) -> None:
    guarded(desk, venue, sl="49000", tp="60000")
    held = closable(desk.position())
    desk.price("BTC/USDT", 48_900)
    desk.watch()
    assert desk.position().close_reason is None, "it is the exchange's to do"
    desk.protect()
    position = desk.position()
    assert position.closed_reason is ClosedReason.STOP_LOSS
    assert position.realized_pnl < 0
    assert desk.sent() == 1, "the entry"
    assert sum(Decimal(fill["quantity"]) for fill in closing_fills(desk)) == held
    assert told(desk, NotificationType.SL_HIT) == 1
    nothing_is_left(desk)


def test_trailing_stop_when_it_fires_at_the_exchange_is_named_so(desk: Desk, venue: str) -> None:
    protected.opened(desk, venue, {"trailing_stop_percent": Decimal(1)}, tp="90000")
    for price in (51_000, 52_000):
        desk.price("BTC/USDT", price)
        minute(desk)
    desk.price("BTC/USDT", 51_000)
    minute(desk)
    position = desk.position()
    assert position.closed_reason is ClosedReason.TRAILING
    assert position.realized_pnl > 0
    assert desk.sent() == 1
    nothing_is_left(desk)


def test_swap_target_when_it_fills_at_the_exchange_shrinks_the_stop(desk: Desk) -> None:
    guarded(desk, "sandboxusdm", sl="49000", tp=["51000", "52000"])
    desk.price("BTC/USDT", 51_100)
    minute(desk)
    position = desk.position()
    assert [target["done"] for target in position.tp_prices] == [True, False]
    assert {order.quantity for order in desk.guards()} == {position.quantity}
    assert [order.order_type for order in desk.guards()] == ["TAKE_PROFIT_MARKET", "STOP_MARKET"]
    assert position.protection is Protection.NATIVE
    assert desk.sent() == 1
    assert told(desk, NotificationType.TP_HIT) == 1
    assert books.verify() == []


def test_spot_target_when_reached_sells_its_part_and_the_rest_has_a_stop_again(desk: Desk) -> None:
    guarded(desk, "sandbox", sl="49000", tp=["51000", "52000"])
    desk.price("BTC/USDT", 51_100)
    minute(desk)
    position = desk.position()
    assert [target["done"] for target in position.tp_prices] == [True, False]
    assert [order.quantity for order in desk.guards()] == [closable(position)]
    assert position.protection is Protection.NATIVE
    assert desk.sent() == 2
    assert desk.orders()[2].role is OrderRole.TAKE_PROFIT
    assert books.verify() == []


def reached(position_id: int, mark: int) -> int:
    """What our own price says, when it is not the price that the exchange looks at."""
    with transaction() as session:
        position = session.get_one(ExecutionPosition, position_id, with_for_update=True)
        return exits.act(position, Decimal(mark))


def test_stop_that_does_not_fire_is_replaced_by_a_market_order_one_cycle_later(
    desk: Desk, venue: str
) -> None:
    """The second line: a stop-limit that was jumped, a trigger that the exchange reads from another price."""
    position_id = guarded(desk, venue, sl="49000", tp="60000")
    assert reached(position_id, 48_000) == 0
    assert desk.position().exit_reached_at is not None
    assert reached(position_id, 48_000) == 0, "the exchange still has time"
    desk.later(45)
    assert reached(position_id, 48_000) == 1
    desk.close_wanted()
    position = desk.position()
    assert position.closed_reason is ClosedReason.STOP_LOSS
    assert desk.sent() == 2
    assert len(closing_fills(desk)) == 1
    nothing_is_left(desk)


def test_reached_stop_when_the_price_comes_back_is_forgotten(desk: Desk, venue: str) -> None:
    position_id = guarded(desk, venue, sl="49000", tp="60000")
    assert reached(position_id, 48_000) == 0
    desk.later(45)
    monitor.check_positions()
    assert desk.position().exit_reached_at is None
    assert reached(position_id, 48_000) == 0
    assert desk.position().status is PositionStatus.OPEN


def test_stop_that_fired_unseen_when_the_owner_closes_sells_nothing_twice(desk: Desk, venue: str) -> None:
    guarded(desk, venue, sl="49000", tp="60000")
    desk.price("BTC/USDT", 48_900)
    by_owner(desk)
    for _ in range(3):
        desk.later(60)
        minute(desk)
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.STOP_LOSS
    assert len(closing_fills(desk)) == 1
    nothing_is_left(desk)


def test_spot_close_when_its_stop_cannot_be_taken_off_waits_behind_the_stop(desk: Desk) -> None:
    position_id = guarded(desk, "sandbox", sl="49000")
    desk.sandbox.add_fault("http_before", "cancel", status=503)
    by_owner(desk)
    assert desk.position().status is PositionStatus.OPEN
    assert desk.sent() == 1
    assert len(desk.guards()) == 1, "the stop guards until it is gone"
    desk.sandbox.clear_faults()
    desk.later(60)
    closing.run_close(position_id)
    assert desk.position().closed_reason is ClosedReason.MANUAL
    assert desk.sent() == 2
    nothing_is_left(desk)


def test_closing_signal_when_a_spot_stop_holds_the_coins_sells_them(desk: Desk) -> None:
    guarded(desk, "sandbox", sl="49000")
    execution = desk.trade(direction="sell")
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert desk.position().closed_reason is ClosedReason.SIGNAL
    nothing_is_left(desk)


def test_one_of_two_positions_on_a_swap_when_closed_leaves_the_other_whole(desk: Desk) -> None:
    guarded(desk, "sandboxusdm", sl="49000", tp="52000")
    desk.trade(sl="48000", tp="53000")
    minute(desk)
    first, second = desk.positions()
    positions.request_close(first.id, actor=desk.admin)
    desk.close_wanted()
    minute(desk)
    first, second = desk.positions()
    assert first.status is PositionStatus.CLOSED
    assert second.status is PositionStatus.OPEN
    assert desk.held("alpha") == second.quantity
    assert second.protection is Protection.NATIVE
    desk.price("BTC/USDT", 47_900)
    minute(desk)
    assert desk.positions()[1].closed_reason is ClosedReason.STOP_LOSS
    nothing_is_left(desk)
