"""Entries that wait and must end: their venue has lost them, or they are not wanted any more and the venue
does not let them go. Orders are counted at the exchange."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.models import ExecutionLog, Notification, Signal
from portal.services import books, late_entries, positions, resolution
from portal.trading.types import ExecutionStatus, NotificationType, OrderState, PositionStatus
from tests.services.desk import Desk, now_in
from tests.services.protected import account


@pytest.fixture(autouse=True)
def one_question_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers wait a few seconds between answers; here `ask` moves the clock instead."""
    monkeypatch.setattr(resolution, "ANSWERS_NEEDED", 0)


def waiting(desk: Desk, venue: str, *, filled: str = "", **signal: Any) -> None:
    """A limit entry that rests, wholly or after a part of it was filled."""
    account(desk, venue)
    if filled:
        desk.sandbox.add_fault("partial_fill", fraction=filled, count=1)
    execution = desk.trade(order_type="limit", open_price="50100" if filled else "45000", **signal)
    assert execution.status in (ExecutionStatus.OPEN, ExecutionStatus.PARTIALLY_FILLED), execution.message


def told(kind: NotificationType, words: str) -> int:
    rows = db.session.execute(sa.select(Notification.title).where(Notification.type == kind)).scalars()
    return sum(words in title for title in rows)


def log_lines(event: str) -> int:
    counted = sa.select(sa.func.count()).where(ExecutionLog.event == event)
    found = db.session.execute(counted.select_from(ExecutionLog)).scalar_one()
    end_read()
    return found


def ask(desk: Desk, times: int = 3) -> None:
    for _ in range(times):
        desk.later(60)
        desk.resolve_due()


def test_waiting_entry_that_its_venue_has_lost_is_ended_after_the_proof(desk: Desk, venue: str) -> None:
    waiting(desk, venue)
    desk.sandbox.forget_order(desk.sandbox.orders()[0].order_id)
    ask(desk)
    order, execution = desk.order(), desk.executions()[0]
    assert (order.state, order.error_code) == (OrderState.CANCELED, "VANISHED")
    assert execution.status is ExecutionStatus.CANCELED
    assert order.absent_answers == 3
    assert len(order.absent_from) >= 2
    assert told(NotificationType.EXECUTION, "an order that waited is gone") == 1
    assert log_lines("canceled") == 1
    ask(desk, 1)
    assert desk.sweep()["resolve_order"] == 0, "the matter is closed"
    assert desk.trade().status is ExecutionStatus.FILLED, "the lane is free again"
    assert desk.accepted() == 2


def test_entry_that_is_lost_after_a_part_was_filled_keeps_the_part_and_its_stop(
    desk: Desk, venue: str
) -> None:
    waiting(desk, venue, filled="0.5", sl="49000")
    bought = desk.sandbox.orders()[0]
    desk.sandbox.forget_order(bought.order_id)
    ask(desk)
    order, position = desk.order(), desk.position()
    assert (order.state, order.filled_quantity) == (OrderState.CANCELED, bought.filled_quantity)
    assert position.status is PositionStatus.OPEN
    desk.protect()
    assert [guard.quantity for guard in desk.guards()] == [
        position.quantity // position.lot_size * position.lot_size
    ]
    assert books.verify() == []


def test_entry_that_fills_on_before_it_is_lost_has_all_of_its_fills_booked(desk: Desk, venue: str) -> None:
    waiting(desk, venue)
    desk.price("BTC/USDT", 44_000)
    bought = desk.sandbox.orders()[0]
    assert bought.filled_quantity == bought.quantity
    desk.sandbox.forget_order(bought.order_id)
    ask(desk)
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert sum(fill.quantity for fill in desk.fills()) == bought.quantity
    assert desk.position().average_entry_price is not None
    assert books.verify() == []


@pytest.mark.parametrize(
    "silent",
    [
        ("query", "openOrders", "myTrades"),
        ("openOrders", "allOrders", "myTrades"),
        ("allOrders", "query", "openOrders"),
    ],
)
def test_lost_entry_stays_open_while_one_kind_of_endpoint_alone_says_so(
    desk: Desk, silent: Sequence[str]
) -> None:
    waiting(desk, "sandbox")
    desk.sandbox.forget_order(desk.sandbox.orders()[0].order_id)
    for endpoint in silent:
        desk.sandbox.add_fault("http_before", endpoint, status=503)
    ask(desk, 5)
    assert desk.order().state is OrderState.OPEN
    desk.sandbox.clear_faults()
    ask(desk)
    assert desk.order().state is OrderState.CANCELED


def test_entry_that_is_seen_again_before_the_proof_stays_open(desk: Desk, venue: str) -> None:
    """Answers before it was seen again do not count."""
    waiting(desk, venue)
    with transaction():
        order = desk.order()
        order.absent_answers, order.absent_from = 2, ["open", "order"]
        order.last_absent_at = utcnow() - timedelta(minutes=5)
    ask(desk, 2)
    order = desk.order()
    assert (order.state, order.absent_answers) == (OrderState.OPEN, 0)
    assert desk.accepted() == 1


def test_expired_entry_whose_cancel_fails_is_asked_for_until_it_is_gone(desk: Desk, venue: str) -> None:
    waiting(desk, venue, filled="0.5", sl="49000", expires_at=now_in(300))
    desk.protect()
    with transaction() as session:
        session.query(Signal).one().expires_at = utcnow() - timedelta(seconds=1)
    desk.sandbox.add_fault("http_before", "cancel", status=503, count=4)
    order_id = desk.orders()[0].id
    for _ in range(3):
        assert desk.sweep()["cancel_late_entry"] == 1
        late_entries.cancel(order_id)
        desk.forget_traffic()
        assert desk.orders()[0].state is OrderState.PARTIALLY_FILLED
    assert told(NotificationType.ERROR, "could not be taken off the exchange") == 1
    assert (log_lines("entry_expired"), log_lines("cancel_failed")) == (1, 1)

    desk.sandbox.clear_faults()
    assert desk.sweep()["cancel_late_entry"] == 1
    late_entries.cancel(order_id)
    assert desk.orders()[0].state is OrderState.CANCELED
    assert desk.sandbox.orders()[0].status == "CANCELED"
    assert desk.sweep()["cancel_late_entry"] == 0
    assert books.verify() == []


def test_expired_entry_that_fills_while_its_cancel_fails_is_guarded_for_all_of_it(
    desk: Desk, venue: str
) -> None:
    waiting(desk, venue, filled="0.5", sl="40000", expires_at=now_in(300))
    desk.protect()
    with transaction() as session:
        session.query(Signal).one().expires_at = utcnow() - timedelta(seconds=1)
    desk.sandbox.add_fault("http_before", "cancel", status=503, count=1)
    desk.price("BTC/USDT", 49_000)
    order_id = desk.orders()[0].id
    late_entries.cancel(order_id)
    desk.forget_traffic()
    assert desk.orders()[0].state is OrderState.FILLED, "the question after the failed cancel tells"
    desk.protect()
    position = desk.position()
    closable = position.quantity // position.lot_size * position.lot_size
    assert [guard.quantity for guard in desk.guards()] == [closable]
    assert told(NotificationType.ERROR, "could not be taken off") == 0


def test_rest_of_an_entry_whose_position_was_closed_is_taken_off_when_the_first_cancel_failed(
    desk: Desk, venue: str
) -> None:
    waiting(desk, venue, filled="0.5")
    desk.sandbox.add_fault("http_before", "cancel", status=503, count=2)
    positions.request_close(desk.position().id, actor=desk.admin)
    for _ in range(3):
        desk.later(60)
        desk.close_wanted()
        desk.resolve_due()
    assert desk.position().status is PositionStatus.CLOSED, "getting out does not wait for the cancel"
    assert desk.orders()[0].state is OrderState.PARTIALLY_FILLED
    for _ in range(2):
        desk.forget_traffic()
        assert desk.sweep()["cancel_late_entry"] == 1
        late_entries.cancel(desk.orders()[0].id)
    assert desk.orders()[0].state is OrderState.CANCELED
    assert desk.sandbox.orders()[0].status == "CANCELED"
    desk.price("BTC/USDT", 44_000)
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.held("alpha") < Decimal("0.0001")
