"""One execution from the signal to the closed position, in the order in which things happened: what people
read when they ask "what became of it?". Reads only, from the rows that each step leaves behind."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.models import (
    Execution,
    ExecutionLog,
    ExecutionPosition,
    Fill,
    Notification,
    Order,
    OrderQuestion,
    Signal,
)
from portal.trading.numbers import text
from portal.trading.types import Answer, OrderRole, OrderState, QuestionKind

#: More of one kind are left out; a story of that length is read in the logs.
MOST = 300
_ROLES = {
    OrderRole.ENTRY: "Entry",
    OrderRole.STOP_LOSS: "Stop-loss",
    OrderRole.TAKE_PROFIT: "Take-profit",
    OrderRole.CLOSE: "Close",
}
_GOOD = frozenset({"filled", "placed", "closed", "protected", "resolved", "adopted"})
_BAD = frozenset(
    {"rejected", "unresolved", "unprotected", "overfill", "oversold", "late_fill", "cancel_failed"}
)
_WARN = frozenset({"denied", "not_placed", "expired", "close_postponed", "close_denied", "external_close"})


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: signal, step, order, question, fill, log or told. `tone`: good, warn, bad or nothing."""

    at: datetime
    kind: str
    title: str
    body: str = ""
    tone: str = ""


def story(execution: Execution) -> list[Event]:
    """Everything that is known of `execution`, of the position that it opened and of all their orders, oldest
    first. At most `MOST` lines of each kind."""
    position = db.session.execute(
        sa.select(ExecutionPosition).where(ExecutionPosition.execution_id == execution.id)
    ).scalar_one_or_none()
    orders = _orders(execution, position)
    events = [
        *_of_signal(execution.signal),
        *_of_execution(execution),
        *(event for order in orders for event in _of_order(order)),
        *_of_fills([order.id for order in orders]),
        *_of_questions([order.id for order in orders]),
        *_of_log(execution, position),
        *_told(execution, position),
    ]
    return sorted(events, key=lambda event: event.at)


def _orders(execution: Execution, position: ExecutionPosition | None) -> Sequence[Order]:
    mine: list[sa.ColumnElement[bool]] = [Order.execution_id == execution.id]
    if position is not None:
        mine.append(Order.position_id == position.id)
    return (
        db.session.execute(sa.select(Order).where(sa.or_(*mine)).order_by(Order.id).limit(MOST))
        .scalars()
        .all()
    )


def _of_signal(signal: Signal | None) -> Iterator[Event]:
    if signal is None:
        return
    what = f"{signal.action.value} {signal.direction.value} {signal.currency_pair}"
    yield Event(signal.created_at, "signal", f"Signal #{signal.id} came in by {signal.source}", what)
    if signal.published_at is not None:
        yield Event(signal.published_at, "signal", f"Signal #{signal.id} was published")


def _of_execution(execution: Execution) -> Iterator[Event]:
    steps = execution.steps_ms()
    marks = (
        (execution.claimed_at, "A worker took it", "queue"),
        (execution.read_at, "Balance, prices and positions were read", "read"),
        (execution.intended_at, "Checked and sized; the order was written down", "plan"),
        (execution.answered_at, "The exchange had answered", "place"),
    )
    for at, title, step in marks:
        if at is not None:
            yield Event(at, "step", title, f"after {steps[step]:,} ms" if step in steps else "")


def _of_order(order: Order) -> Iterator[Event]:
    name = "Order of somebody else" if order.is_external else _ROLES[order.role]
    what = f"{order.side.value} {text(order.quantity)} {order.symbol}, {order.order_type.value}"
    if order.trigger_price is not None:
        what += f" at {text(order.trigger_price)}"
    elif order.price is not None:
        what += f" limit {text(order.price)}"
    if not order.is_external:
        yield Event(order.sent_at, "order", f"{name} order was sent", f"{what}, as {order.client_order_id}")
    if order.acknowledged_at is not None and order.exchange_order_id:
        yield Event(
            order.acknowledged_at, "order", f"{name} order is known at the exchange",
            f"as {order.exchange_order_id}", "good",
        )  # fmt: skip
    if order.closed_at is not None:
        tone = "good" if order.state is OrderState.FILLED else "warn"
        body = order.error_message or ""
        yield Event(
            order.closed_at, "order", f"{name} order ended: {order.state.value.replace('_', ' ')}", body, tone
        )


def _of_fills(order_ids: Sequence[int]) -> Iterator[Event]:
    rows = db.session.execute(
        sa.select(Fill).where(Fill.order_id.in_(order_ids)).order_by(Fill.filled_at).limit(MOST)
    ).scalars()
    for fill in rows:
        verb = "Bought" if fill.side.value == "buy" else "Sold"
        fees = ", ".join(f"{fee['cost']} {fee['currency']}" for fee in fill.fees)
        title = f"{verb} {text(fill.quantity)} at {text(fill.price)}"
        yield Event(fill.filled_at, "fill", title, f"fee {fees}" if fees else "", "good")


def _of_questions(order_ids: Sequence[int]) -> Iterator[Event]:
    rows = db.session.execute(
        sa.select(OrderQuestion)
        .where(OrderQuestion.order_id.in_(order_ids), OrderQuestion.kind == QuestionKind.ASK)
        .order_by(OrderQuestion.id)
        .limit(MOST)
    ).scalars()
    for row in rows:
        by = f" for {row.asked_by}" if row.asked_by else ""
        body = row.message
        if row.answer is Answer.NOT_FOUND:
            body = f"not among: {', '.join(row.absent_from)}" if row.absent_from else "not there"
        tone = "good" if row.answer is Answer.FOUND else "warn"
        answer = row.answer.value.replace("_", " ")
        yield Event(row.asked_at, "question", f"The exchange was asked{by}: {answer}", body, tone)


def _of_log(execution: Execution, position: ExecutionPosition | None) -> Iterator[Event]:
    about: list[Any] = [ExecutionLog.execution_id == execution.id]
    if position is not None:
        about.append(ExecutionLog.position_id == position.id)
    rows = db.session.execute(
        sa.select(ExecutionLog).where(sa.or_(*about)).order_by(ExecutionLog.id).limit(MOST)
    ).scalars()
    for row in rows:
        tone = (
            "good"
            if row.event in _GOOD
            else "bad"
            if row.event in _BAD
            else "warn"
            if row.event in _WARN
            else ""
        )
        took = f" ({row.duration_ms:,} ms)" if row.duration_ms is not None else ""
        yield Event(row.at, "log", row.event.replace("_", " ").capitalize(), f"{row.message}{took}", tone)


def _told(execution: Execution, position: ExecutionPosition | None) -> Iterator[Event]:
    about: list[Any] = [Notification.execution_id == execution.id]
    if position is not None:
        about.append(Notification.position_id == position.id)
    rows = db.session.execute(
        sa.select(Notification).where(sa.or_(*about)).order_by(Notification.id).limit(MOST)
    ).scalars()
    for row in rows:
        yield Event(row.created_at, "told", "The owner was told", row.title)
