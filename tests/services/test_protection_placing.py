"""Guards of fresh and changing positions: placed at the exchange, read back, and always as large as what is
held. Counted at the exchange."""

from datetime import timedelta
from decimal import Decimal

from portal.db import transaction, utcnow
from portal.exchanges.venues_table import listed_venues
from portal.exchanges.venues_table import venue as venue_of
from portal.models import Signal
from portal.services import books, late_entries, monitor
from portal.services.books_of import instrument_of
from portal.trading.types import ExecutionStatus, PositionStatus, Protection
from tests.services.desk import Desk, now_in
from tests.services.protected import account, by_hand, closable, opened


def seen(desk: Desk) -> list[tuple[str, Decimal, Decimal]]:
    return [(order.order_type, order.quantity, order.trigger_price) for order in desk.guards()]


def test_spot_position_when_opened_gets_one_stop_for_everything(desk: Desk) -> None:
    opened(desk, "sandbox", sl="49000", tp=["51000", "52000"])
    desk.protect()
    position = desk.position()
    assert seen(desk) == [("STOP_LOSS", closable(position), Decimal(49_000))]
    assert position.protection is Protection.NATIVE
    assert position.protection_note == "The stop rests at the exchange"
    assert position.protection_checked_at is not None
    assert position.protection_due_since is None
    assert books.verify() == []


def test_swap_position_when_opened_gets_reduce_only_stop_and_targets(desk: Desk) -> None:
    opened(desk, "sandboxusdm", sl="49000", tp=["51000", "52000"])
    desk.protect()
    position = desk.position()
    half = instrument_of(position).floor_quantity(position.quantity / 2)
    assert seen(desk) == [
        ("STOP_MARKET", position.quantity, Decimal(49_000)),
        ("TAKE_PROFIT_MARKET", half, Decimal(51_000)),
        ("TAKE_PROFIT_MARKET", position.quantity - half, Decimal(52_000)),
    ]
    assert all(order.reduce_only for order in desk.guards())
    assert position.protection is Protection.NATIVE
    assert position.protection_note == "The stop rests at the exchange, with 2 targets"


def test_short_position_when_opened_is_guarded_by_buys(desk: Desk) -> None:
    opened(desk, "sandboxusdm", direction="sell", sl="51000", tp="49000")
    desk.protect()
    assert [order.side for order in desk.guards()] == ["BUY", "BUY"]
    assert desk.position().protection is Protection.NATIVE


def test_hedge_mode_position_when_opened_is_guarded_on_its_side(desk: Desk) -> None:
    account(desk, "sandboxusdm", position_mode="hedge")
    by_hand(desk, "sandboxusdm").set_position_mode(True)
    execution = desk.trade(sl="49000", tp="51000")
    assert execution.status is ExecutionStatus.FILLED, execution.message
    desk.protect()
    assert [(order.side, order.position_side) for order in desk.guards()] == [("SELL", "LONG")] * 2
    assert desk.position().protection is Protection.NATIVE


def test_job_when_repeated_and_raced_places_nothing_twice(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000", tp="52000")
    for _ in range(4):
        desk.protect()
    guards = len(desk.guards(resting=False))
    assert guards == (1 if venue == "sandbox" else 2)
    assert desk.sent() == 1
    assert desk.position().guard_version == 1


def test_position_without_a_stop_is_left_alone_and_says_so(desk: Desk, venue: str) -> None:
    opened(desk, venue)
    desk.protect()
    position = desk.position()
    assert desk.guards() == []
    assert position.protection is Protection.LOCAL
    assert "names a stop" in position.protection_note
    assert desk.sweep()["unprotected"] == 0


def test_stop_when_the_price_gains_enough_moves_at_the_exchange(desk: Desk, venue: str) -> None:
    opened(desk, venue, {"break_even_at_r": Decimal(1)}, sl="49000", tp="60000")
    desk.protect()
    desk.price("BTC/USDT", 51_200)
    monitor.check_positions()
    desk.protect()
    position = desk.position()
    stops = [order for order in desk.guards() if "STOP" in order.order_type]
    assert [order.trigger_price for order in stops] == [position.sl_price]
    assert position.sl_price is not None and position.sl_price >= 50_000
    assert position.protection is Protection.NATIVE


def test_trailing_stop_when_the_price_rises_follows_at_the_exchange(desk: Desk, venue: str) -> None:
    opened(desk, venue, {"trailing_stop_percent": Decimal(1)}, tp="90000")
    desk.protect()
    last = Decimal(0)
    for price in (51_000, 52_000, 53_000):
        desk.price("BTC/USDT", price)
        monitor.check_positions()
        desk.protect()
        (stop,) = [order for order in desk.guards() if "STOP" in order.order_type]
        assert stop.trigger_price > last
        assert stop.trigger_price == desk.position().sl_price
        last = stop.trigger_price
    assert desk.position().protection is Protection.NATIVE


def test_limit_entry_when_filled_in_parts_has_a_stop_for_what_is_held(desk: Desk, venue: str) -> None:
    account(desk, venue)
    desk.sandbox.add_fault("partial_fill", fraction="0.5", count=1)
    execution = desk.trade(order_type="limit", open_price="50100", sl="49000")
    assert execution.status is ExecutionStatus.PARTIALLY_FILLED, execution.message
    desk.protect()
    first = desk.guards()
    assert [order.quantity for order in first] == [closable(desk.position())]
    desk.price("BTC/USDT", 49_900)
    desk.later(60)
    desk.resolve_due()
    desk.protect()
    position = desk.position()
    assert [order.quantity for order in desk.guards()] == [closable(position)]
    assert position.quantity > first[0].quantity
    assert position.protection is Protection.NATIVE
    assert position.status is PositionStatus.OPEN


def test_limit_entry_when_its_signal_expires_loses_its_rest_and_keeps_its_stop(
    desk: Desk, venue: str
) -> None:
    account(desk, venue)
    desk.sandbox.add_fault("partial_fill", fraction="0.5", count=1)
    desk.trade(order_type="limit", open_price="50100", sl="49000", expires_at=now_in(300))
    order_id = desk.order().id
    late_entries.cancel(order_id)
    assert desk.sweep()["cancel_late_entry"] == 0
    assert desk.order().state.value == "partially_filled", "its time is not over"
    with transaction() as session:
        session.query(Signal).one().expires_at = utcnow() - timedelta(seconds=1)
    assert desk.sweep()["cancel_late_entry"] == 1
    late_entries.cancel(order_id)
    desk.protect()
    assert desk.orders()[0].state.value == "canceled"
    assert [order.quantity for order in desk.guards()] == [closable(desk.position())]
    assert desk.sent() == 1
    assert desk.sweep()["cancel_late_entry"] == 0


def test_immediate_entry_when_filled_in_part_has_a_stop_for_that_part(desk: Desk, venue: str) -> None:
    account(desk, venue)
    desk.sandbox.add_fault("partial_fill", fraction="0.5", count=1)
    desk.trade(order_type="limit", open_price="50100", time_in_force="IOC", sl="49000")
    desk.protect()
    assert [order.quantity for order in desk.guards()] == [closable(desk.position())]
    assert desk.position().protection is Protection.NATIVE


def test_second_position_on_a_swap_symbol_leaves_one_stop_each(desk: Desk) -> None:
    """A resting target of one could close what the other holds: both keep their targets here."""
    opened(desk, "sandboxusdm", sl="49000", tp="52000")
    desk.protect()
    assert len(desk.guards()) == 2
    assert desk.trade(sl="48000", tp="53000").status is ExecutionStatus.FILLED
    desk.protect()
    desk.protect()
    assert sorted(seen(desk)) == sorted(
        ("STOP_MARKET", position.quantity, position.sl_price) for position in desk.positions()
    )
    assert {position.protection for position in desk.positions()} == {Protection.NATIVE}


def test_unlisted_venue_is_never_trusted_with_a_stop() -> None:
    trusted = {name for name in listed_venues() if venue_of(name).guards}
    assert trusted == {"binance", "binanceusdm", "binancecoinm", "binanceus", "sandbox", "sandboxusdm"}
    assert not venue_of("someexchange").guards
