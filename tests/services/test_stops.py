"""Stops that move: by a distance behind the price, to the entry, by hand. The order at the exchange follows,
and there is no moment in which nobody would close. Counted at the exchange."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read, transaction
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import AuditEntry, ExecutionPosition
from portal.services import books, closing, monitor, positions
from portal.trading.types import ClosedReason, NotificationType, PositionStatus, Protection
from tests.helpers import at_once
from tests.services.desk import Desk
from tests.services.protected import guarded, minute, nothing_is_left, opened, told
from tests.services.venue_classes import CLASSES, VenueClass, position_at, set_up


def stop_at_exchange(desk: Desk) -> list[Decimal]:
    return [order.trigger_price for order in desk.guards() if "STOP" in order.order_type]


@pytest.mark.parametrize("of", CLASSES, ids=lambda each: each.name)
def test_trailing_distance_is_kept_behind_the_price_on_every_class_of_venue(
    desk: Desk, of: VenueClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = {"trailing_stop_distance": Decimal(500), "trailing_activation_distance": Decimal(800)}
    with set_up(desk, of, monkeypatch):
        position_at(desk, of, preset, sl="49000", tp="90000")
        desk.price("BTC/USDT", 50_700)
        minute(desk)
        assert desk.position().sl_price == 49_000, "it has not begun"
        for price in (50_900, 51_500, 52_000):
            desk.price("BTC/USDT", price)
            minute(desk)
            position = desk.position()
            assert position.sl_price is not None
            assert abs(price - 500 - position.sl_price) <= 5, "up to the tick and the spread"
            if of.how in ("native", "limited"):
                assert stop_at_exchange(desk) == [position.sl_price]
        db.session.expire_all()  # what a restarted process knows is what the rows say
        desk.price("BTC/USDT", 51_490)
        minute(desk)
        position = desk.position()
        assert position.status is PositionStatus.CLOSED
        assert position.closed_reason is ClosedReason.TRAILING
        assert position.realized_pnl > 0
        assert books.verify() == []
        if not of.paper:
            nothing_is_left(desk)


def test_break_even_moves_the_order_at_the_exchange_and_nothing_is_left_behind(
    desk: Desk, venue: str
) -> None:
    guarded(desk, venue, {"break_even_at_r": Decimal(1)}, sl="49000", tp="60000")
    assert stop_at_exchange(desk) == [49_000]
    desk.price("BTC/USDT", 51_200)
    minute(desk)
    position = desk.position()
    assert position.average_entry_price is not None and position.sl_price is not None
    assert abs(position.sl_price - position.average_entry_price) <= position.tick_size
    assert stop_at_exchange(desk) == [position.sl_price]
    assert [order.status for order in desk.guards(resting=False) if order.trigger_price == 49_000] == [
        "CANCELED"
    ]


def test_stop_when_its_new_order_is_lost_on_the_way_is_watched_by_us_meanwhile(
    desk: Desk, venue: str
) -> None:
    """Between the old order and the new one the second line stands."""
    guarded(desk, venue, {"break_even_at_r": Decimal(1)}, sl="49000", tp="60000")
    desk.price("BTC/USDT", 51_200)
    desk.sandbox.add_fault("close_before_accept", count=1)
    desk.watch()
    desk.protect()
    if venue == "sandbox":
        assert stop_at_exchange(desk) == [], "on spot the old one had to go first"
    else:
        assert stop_at_exchange(desk) == [49_000], "on derivatives it stays until the new one rests"
    desk.price("BTC/USDT", 49_900)
    desk.watch()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.STOP_LOSS
    for _ in range(3):
        desk.later(60)
        minute(desk)
    assert len([fill for fill in desk.sandbox.fills() if fill["side"] == "SELL"]) == 1
    nothing_is_left(desk)


def test_stop_moved_by_hand_moves_at_the_exchange_and_is_audited(desk: Desk, venue: str) -> None:
    key = guarded(desk, venue, sl="49000", tp="60000")
    for price in ("49500", "48500.00", 48_500):
        positions.move_stop(key, price, actor=desk.admin)
        desk.protect()
    position = desk.position()
    assert position.sl_price == 48_500
    assert stop_at_exchange(desk) == [48_500]
    assert position.protection is Protection.NATIVE
    entries = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "portal.position.stop_moved")
    ).all()
    assert [entry.data["after"] for entry in entries] == ["49500", "48500"], "a repeat changes nothing"
    assert len(desk.guards(resting=False)) == 3 + (venue != "sandbox"), "and replaces no order"
    assert books.verify() == []
    desk.price("BTC/USDT", 48_400)
    minute(desk)
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    nothing_is_left(desk)


def test_stop_moved_by_hand_of_a_short_is_above_the_price(desk: Desk) -> None:
    key = guarded(desk, "sandboxusdm", direction="sell", sl="51000", tp="45000")
    with pytest.raises(ValidationError) as refused:
        positions.move_stop(key, "49000", actor=desk.admin)
    assert "must be above the price" in refused.value.errors["price"]
    positions.move_stop(key, "50500", actor=desk.admin)
    desk.protect()
    assert stop_at_exchange(desk) == [50_500]


@pytest.mark.parametrize(
    "price", ["0", "-5", "NaN", "", None, "abc", "49000.001", "50100", "60000", "1e400", []]
)
def test_stop_that_makes_no_sense_is_refused_and_nothing_is_changed(desk: Desk, price: Any) -> None:
    key = guarded(desk, "sandbox", sl="49000")
    before = desk.accepted()
    with pytest.raises(ValidationError) as refused:
        positions.move_stop(key, price, actor=desk.admin)
    assert set(refused.value.errors) == {"price"}
    desk.protect()
    assert desk.position().sl_price == 49_000
    assert desk.accepted() == before
    assert stop_at_exchange(desk) == [49_000]


def test_stop_of_a_position_that_is_being_closed_is_not_moved(desk: Desk) -> None:
    key = guarded(desk, "sandbox", sl="49000")
    positions.request_close(key, actor=desk.admin)
    with pytest.raises(ConflictError):
        positions.move_stop(key, "49500", actor=desk.admin)
    end_read()
    closing.run_close(key)
    with pytest.raises(ConflictError):
        positions.move_stop(key, "49500", actor=desk.admin)
    with pytest.raises(NotFoundError):
        positions.move_stop(key + 99, "49500", actor=desk.admin)
    assert desk.position().sl_price == 49_000
    nothing_is_left(desk)


def test_position_without_a_stop_gets_one_by_hand(desk: Desk, venue: str) -> None:
    key = opened(desk, venue)
    desk.protect()
    assert desk.guards() == []
    positions.move_stop(key, "48000", actor=desk.admin)
    desk.protect()
    assert stop_at_exchange(desk) == [48_000]
    assert desk.position().protection is Protection.NATIVE


@pytest.mark.parametrize("of", [VenueClass("sandbox", "local"), VenueClass("sandboxusdm", "local")], ids=str)
def test_f51_stop_and_target_that_two_monitors_hit_at_once_lead_to_one_close(
    app: Flask, desk: Desk, of: VenueClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One saw the price below the stop, the other above the target, in the same tick."""
    with set_up(desk, of, monkeypatch):
        key = position_at(desk, of, sl="49000", tp="51000")
        below = {desk.position().symbol: Decimal(48_900)}
        above = {desk.position().symbol: Decimal(51_100)}

        def watch(marks: dict[str, Decimal]) -> None:
            monitor._check_venue(of.exchange, marks, monitor.Checked())
            closing.run_close(key)

        at_once(app, [partial(watch, below), partial(watch, above)] * 2)
        position = desk.position()
        assert position.status is PositionStatus.CLOSED
        assert desk.sent() == 2, "the entry and one close"
        hits = [told(desk, kind) for kind in (NotificationType.SL_HIT, NotificationType.TP_HIT)]
        assert sorted(hits) == [0, 1]
        nothing_is_left(desk)


@pytest.mark.parametrize("direction", ["buy", "sell"])
def test_f52_close_that_is_sent_twice_on_derivatives_never_flips_the_side(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, direction: str
) -> None:
    """Even when the books forget that one close was sent, the second can only shrink what is there."""
    of = VenueClass("sandboxusdm", "local")
    stop = "49000" if direction == "buy" else "51000"
    with set_up(desk, of, monkeypatch):
        key = position_at(desk, of, direction=direction, sl=stop)
        held = [desk.held("alpha")]
        for _ in range(3):
            positions.request_close(key, actor=desk.admin)
            end_read()
            closing.run_close(key)
            held.append(desk.held("alpha"))
            with transaction() as session:
                row = session.get_one(ExecutionPosition, key)
                row.status, row.close_reason, row.quantity = PositionStatus.OPEN, None, abs(held[0])
                row.version += 1
        sizes = [abs(each) for each in held]
        assert sizes[0] > 0
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] == 0
        assert all(each * held[0] >= 0 for each in held), "never on the other side"
        closes = [order for order in desk.sandbox.orders() if order.reduce_only]
        assert len(closes) == 1, "the exchange took one; the others were refused"
