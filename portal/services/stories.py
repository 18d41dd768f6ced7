"""One execution from the signal to the closed position, in the order in which things happened: what people
read when they ask "what became of it?". Reads only, from the rows that each step leaves behind."""

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from portal.db import db
from portal.models import Execution, ExecutionPosition, Fill, Order, Signal, User
from portal.services import story_lines
from portal.services.story_lines import MOST, Event, Subject
from portal.trading.numbers import text
from portal.trading.types import OrderRole, OrderState

_ROLES = {
    OrderRole.ENTRY: "Entry",
    OrderRole.STOP_LOSS: "Stop-loss",
    OrderRole.TAKE_PROFIT: "Take-profit",
    OrderRole.CLOSE: "Close",
}


def story(execution: Execution, *, reader: User | None = None) -> list[Event]:
    """Everything that is known of `execution`, of the position that it opened and of all their orders, oldest
    first. At most `MOST` lines of each kind. `reader`: the owner, who is not told other people's addresses;
    None for operators."""
    position = db.session.execute(
        sa.select(ExecutionPosition).where(ExecutionPosition.execution_id == execution.id)
    ).scalar_one_or_none()
    orders = _orders(execution, position)
    order_ids = [order.id for order in orders]
    events = [
        *_of_signal(execution.signal),
        *_of_fan_out(execution),
        *_of_execution(execution),
        *(event for order in orders for event in _of_order(order)),
        *_of_fills({order.id: order.unit for order in orders}),
        *_of_position(position),
        *story_lines.written(Subject(execution, position, order_ids, reader)),
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
    kind = f" {signal.order_type.value}" if signal.order_type else ""
    what = [f"{signal.action.value} {signal.direction.value} {signal.currency_pair}{kind}"]
    what += [f"at {text(signal.open_price)}"] if signal.open_price is not None else []
    what += [f"stop {text(signal.sl)}"] if signal.sl is not None else []
    what += [f"target {' / '.join(text(price) for price in signal.tp)}"] if signal.tp else []
    what += [f"a repeat with the key {signal.dedupe_key!r} is the same signal"] if signal.dedupe_key else []
    yield Event(
        signal.created_at, "signal", f"Signal #{signal.id} came in by {signal.source}", ", ".join(what)
    )
    if signal.published_at is not None:
        yield Event(signal.published_at, "signal", f"Signal #{signal.id} was published")


def _of_fan_out(execution: Execution) -> Iterator[Event]:
    count = sa.select(sa.func.count()).where(Execution.signal_id == execution.signal_id)
    others = (db.session.scalar(count) or 0) - 1 if execution.signal_id is not None else 0
    body = f"one of {others + 1} accounts" if others > 0 else "the only account"
    yield Event(
        execution.created_at, "signal",
        f"Execution #{execution.id} was written for {execution.connection_name}", body,
    )  # fmt: skip


def _of_position(position: ExecutionPosition | None) -> Iterator[Event]:
    if position is None:
        return
    side = f"{position.position_side.value} {position.symbol}"
    yield Event(position.opened_at, "position", f"Position #{position.id} was opened", side, "good")
    if position.close_execution_id is not None and position.close_requested_at is not None:
        title = f"A later signal closes it: execution #{position.close_execution_id}"
        yield Event(position.close_requested_at, "signal", title)


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
    what = (
        f"{order.side.value} {text(order.quantity)} {order.unit} of {order.symbol}, {order.order_type.value}"
    )
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
    if order.is_guard and order.proved_at is not None:
        yield Event(
            order.proved_at, "order", f"{name} order was last read back from the exchange",
            "resting with the side, size and price that were asked for", "good",
        )  # fmt: skip
    if order.closed_at is not None:
        tone = "good" if order.state is OrderState.FILLED else "warn"
        body = order.error_message or ""
        yield Event(
            order.closed_at, "order", f"{name} order ended: {order.state.value.replace('_', ' ')}", body, tone
        )


def _of_fills(units: Mapping[int, str]) -> Iterator[Event]:
    """`units`: what the quantity of each order counts."""
    rows = db.session.execute(
        sa.select(Fill).where(Fill.order_id.in_(units)).order_by(Fill.filled_at).limit(MOST)
    ).scalars()
    for fill in rows:
        verb = "Bought" if fill.side.value == "buy" else "Sold"
        fees = ", ".join(f"{fee['cost']} {fee['currency']}" for fee in fill.fees)
        title = f"{verb} {text(fill.quantity)} {units[fill.order_id]} at {text(fill.price)}"
        yield Event(fill.filled_at, "fill", title, f"fee {fees}" if fees else "", "good")
