"""Closes that must not lose, repeat or invent anything: the books say what is left at the exchange."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.db import end_read, transaction, utcnow
from portal.models import ExecutionPosition
from portal.services import books, closing, monitor, positions
from portal.trading.types import ClosedReason, ExecutionStatus, NotificationType, OrderState, PositionStatus
from tests.services.desk import Desk
from tests.services.protected import by_hand, opened, told


def held(desk: Desk, currency: str = "BTC") -> Decimal:
    """What the account holds at the exchange."""
    return Decimal(str(by_hand(desk, "sandbox").fetch_balance()["total"].get(currency) or 0))


def close(desk: Desk, key: int) -> None:
    positions.request_close(key, actor=desk.admin)
    end_read()
    closing.run_close(key)


def asked_long_ago(key: int) -> None:
    end_read()
    with transaction() as session:
        row = session.get_one(ExecutionPosition, key)
        row.close_requested_at, row.next_close_at = utcnow() - timedelta(hours=1), utcnow()


def half_filled_entry(desk: Desk) -> int:
    """A limit entry of which one half was filled and the other waits at the exchange."""
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    desk.sandbox.add_fault("partial_fill", fraction="0.5", count=1)
    execution = desk.trade(order_type="limit", open_price="50100")
    assert execution.status is ExecutionStatus.PARTIALLY_FILLED, execution.message
    return desk.position().id


def test_position_when_closed_takes_the_rest_of_its_entry_off_the_exchange(desk: Desk) -> None:
    key = half_filled_entry(desk)
    close(desk, key)
    desk.price("BTC/USDT", 49_000)
    desk.later(60)
    desk.resolve_due()
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.orders()[0].state is OrderState.CANCELED
    assert held(desk) < Decimal("0.0001")
    assert books.verify() == []


def test_closed_position_when_its_entry_is_filled_further_is_closed_again(desk: Desk) -> None:
    """The books never call closed what is held (I3)."""
    key = half_filled_entry(desk)
    desk.sandbox.add_fault("http_before", "cancel", status=503)
    close(desk, key)
    desk.price("BTC/USDT", 49_000)
    desk.later(60)
    desk.resolve_due()
    desk.later(60)
    desk.close_wanted()
    desk.later(60)
    desk.resolve_due()
    assert held(desk) < Decimal("0.0001")
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.position().quantity == 0
    assert told(desk, NotificationType.ERROR) >= 1
    assert books.verify() == []


def test_closing_signal_when_what_is_held_is_too_small_to_sell_settles_and_frees_its_lane(
    desk: Desk,
) -> None:
    opened(desk, "sandbox")
    quantity = desk.position().quantity
    desk.price("BTC/USDT", 100)
    execution = desk.trade(action="close")
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.position().dust_quantity == quantity
    assert execution.status is ExecutionStatus.NOT_PLACED, execution.status
    assert execution.code == "NOTIONAL_BELOW_MINIMUM"
    desk.price("BTC/USDT", 50_000)
    assert desk.trade().status is ExecutionStatus.FILLED
    assert books.verify() == []


def test_spot_close_when_the_holding_is_locked_elsewhere_waits_and_is_not_called_dust(desk: Desk) -> None:
    key = opened(desk, "sandbox")
    hand = by_hand(desk, "sandbox")
    free = hand.fetch_balance()["free"]["BTC"]
    own = hand.create_order("BTC/USDT", "limit", "sell", free, 90_000)
    for _ in range(2):
        close(desk, key)
        desk.later(120)
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert position.dust_quantity == 0
    assert told(desk, NotificationType.ERROR) == 1
    assert desk.accepted() == 2, "the entry, and what the owner placed by hand"
    hand.cancel_order(own["id"], "BTC/USDT")
    desk.later(120)
    closing.run_close(key)
    assert desk.position().status is PositionStatus.CLOSED
    assert held(desk) < Decimal("0.0001")
    assert books.verify() == []


def test_spot_close_when_the_holding_is_gone_for_a_while_is_booked_as_external(desk: Desk) -> None:
    key = opened(desk, "sandbox")
    hand = by_hand(desk, "sandbox")
    hand.create_order("BTC/USDT", "market", "sell", hand.fetch_balance()["free"]["BTC"])
    close(desk, key)
    assert desk.position().status is PositionStatus.OPEN, "one look proves nothing: balances lag"
    asked_long_ago(key)
    closing.run_close(key)
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.EXTERNAL
    assert desk.accepted() == 2, "nothing was sold by us"
    assert books.verify() == []


@pytest.mark.parametrize("how", ["by hand", "by signal"])
def test_full_close_when_asked_for_while_a_target_is_being_served_is_not_lost(desk: Desk, how: str) -> None:
    key = opened(desk, "sandbox", sl="40000", tp=["51000", "60000"])
    desk.price("BTC/USDT", 51_100)
    desk.sandbox.add_fault("accept_no_answer", count=1)
    desk.watch()
    assert desk.position().status is PositionStatus.CLOSING
    if how == "by hand":
        positions.request_close(key, actor=desk.admin)
    else:
        execution = desk.trade(action="close")
        assert execution.status is ExecutionStatus.IN_FLIGHT, execution.message
    desk.later(2)
    desk.resolve_due()
    desk.later(30)
    desk.close_wanted()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    wanted = ClosedReason.MANUAL if how == "by hand" else ClosedReason.SIGNAL
    assert position.closed_reason is wanted
    assert held(desk) < Decimal("0.0001")
    assert all(each.status is ExecutionStatus.FILLED for each in desk.executions())
    assert desk.accepted() == 3
    assert books.verify() == []


def test_closing_signal_when_the_target_that_is_served_sells_everything_is_settled(desk: Desk) -> None:
    key = opened(desk, "sandbox", sl="40000", tp=["51000", "60000"])
    desk.price("BTC/USDT", 51_100)
    end_read()
    monitor.check_positions()
    with transaction() as session:
        session.get_one(ExecutionPosition, key).close_quantity = desk.position().quantity
    desk.sandbox.add_fault("accept_no_answer", count=1)
    closing.run_close(key)
    execution = desk.trade(action="close")
    assert execution.status is ExecutionStatus.IN_FLIGHT
    desk.later(2)
    desk.resolve_due()
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.executions()[1].status not in (ExecutionStatus.IN_FLIGHT, ExecutionStatus.PENDING)
    assert desk.accepted() == 2


def test_close_when_the_exchange_ends_it_unfilled_is_not_repeated_at_once(desk: Desk) -> None:
    """A halted market ends market orders unfilled: one try now and then, never a storm."""
    key = opened(desk, "sandbox")
    desk.sandbox.add_fault("cancelled_by_exchange", fraction="0")
    close(desk, key)
    for _ in range(3):
        closing.run_close(key)
    assert desk.position().status is PositionStatus.OPEN
    assert desk.accepted() == 2
    assert desk.position().close_reason is ClosedReason.MANUAL, "the wish stays"


def test_close_when_rate_limited_waits_as_long_as_it_was_told(desk: Desk) -> None:
    """F39."""
    key = opened(desk, "sandbox")
    desk.sandbox.add_fault("rate_limit", status=429, retry_after=120, count=1)
    close(desk, key)
    due = desk.position().next_close_at
    assert due is not None and due > utcnow() + timedelta(seconds=100)
    assert desk.accepted() == 1


def test_balance_when_rate_limited_makes_the_close_wait_as_long_as_it_was_told(desk: Desk) -> None:
    """F39."""
    key = opened(desk, "sandbox")
    desk.sandbox.add_fault("rate_limit", "account", status=429, retry_after=120, count=1)
    close(desk, key)
    due = desk.position().next_close_at
    assert due is not None and due > utcnow() + timedelta(seconds=100)


def test_close_when_refused_again_and_again_tells_the_owner_once_and_backs_off(desk: Desk) -> None:
    key = opened(desk, "sandbox")
    desk.sandbox.update_account("alpha", can_trade=False)
    close(desk, key)
    for _ in range(4):
        desk.later(300)
        closing.run_close(key)
    assert told(desk, NotificationType.ERROR) + told(desk, NotificationType.CONNECTION) <= 2
    assert desk.position().status is PositionStatus.OPEN
    asked_long_ago(key)
    closing.run_close(key)
    due = desk.position().next_close_at
    assert due is not None and due > utcnow() + timedelta(seconds=30), "after an hour it asks once a minute"


@pytest.mark.parametrize("exchange", ["sandbox", "sandboxusdm"])
def test_close_when_prices_cannot_be_read_is_sent_all_the_same(desk: Desk, exchange: str) -> None:
    key = opened(desk, exchange)
    desk.sandbox.add_fault("http_before", "ticker", status=503)
    close(desk, key)
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2


def test_target_when_only_part_of_it_is_filled_sells_the_rest_too(desk: Desk) -> None:
    opened(desk, "sandbox", sl="40000", tp=["51000", "60000"])
    entered = desk.position().quantity
    desk.price("BTC/USDT", 51_100)
    desk.sandbox.add_fault("cancelled_by_exchange", fraction="0.5", count=1)
    desk.watch()
    desk.later(30)
    desk.close_wanted()
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert [target["done"] for target in position.tp_prices] == [True, False]
    assert abs(position.quantity - entered / 2) <= position.lot_size
    assert position.close_reason is None
    assert desk.accepted() == 3
    assert books.verify() == []


def test_check_when_one_market_is_gone_still_closes_the_others(desk: Desk) -> None:
    """F47, F48: a delisted market must not take every other stop of its venue with it."""
    desk.account(preset=desk.sized(500))
    desk.price("BTC/USDT", 50_000)
    desk.trade(sl="49000")
    desk.trade(currency_pair="ETH/USDT")
    with transaction() as session:
        gone = session.get_one(ExecutionPosition, desk.positions()[1].id)
        gone.symbol = "GONE/USDT"
    desk.price("BTC/USDT", 48_000)
    desk.watch()
    assert [each.status for each in desk.positions()] == [PositionStatus.CLOSED, PositionStatus.OPEN]
    assert desk.accepted() == 3
