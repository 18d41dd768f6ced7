"""What the news of a guard means for its position. Joins the transaction of `recording`; order and position
are locked there."""

from decimal import Decimal

from portal.db import utcnow
from portal.models import RESTING, ExecutionPosition, Order
from portal.models.order import NEVER_THERE
from portal.models.position import HELD
from portal.services import ending, journal
from portal.services.positions import want_close
from portal.services.protection import alarm, due, rows
from portal.trading.orders import OrderReport
from portal.trading.proof import DECLARED_NOT_PLACED, PROVED_ABSENT
from portal.trading.transitions import is_terminal
from portal.trading.types import (
    ClosedReason,
    OrderRole,
    OrderState,
    PositionMode,
    PositionStatus,
)

_LOST = (PROVED_ABSENT, DECLARED_NOT_PLACED)
_ZERO = Decimal(0)


def after_guard(position: ExecutionPosition, order: Order, report: OrderReport, *, read_back: bool) -> None:
    """The venue said something about a guard: prove it, or let the position follow what it did. Does not
    commit; may be repeated with the same news."""
    if position.status not in HELD:
        if order.state in RESTING:
            due.mark(position)  # a stale guard: it must go
        return
    if order.state in RESTING:
        if read_back:
            _prove(position, order, report)
    elif order.state in NEVER_THERE:
        alarm.refused(position, order, order.error_message or "no reason was given")
    elif is_terminal(order.state):
        _ended(position, order)


def after_refusal(position: ExecutionPosition, order: Order, *, retry_after: int | None = None) -> None:
    """A guard was not placed, with proof. One that was only lost on its way is placed again under the next
    version. Does not commit."""
    lost = order.state is OrderState.NOT_PLACED and order.error_code in _LOST
    if lost or position.status is not PositionStatus.OPEN:
        due.mark(position)
    else:
        alarm.refused(position, order, order.error_message or "no reason was given", retry_after=retry_after)


def is_as_asked(order: Order, report: OrderReport) -> bool:
    """Whether a read shows the guard with the side, size, trigger and reduce-only mark that were asked for.
    In hedge mode the position side stands for the mark; a venue that does not name the mark says nothing."""
    marked = report.reduce_only is not False or not order.reduce_only
    hedged = order.payload["position_mode"] == PositionMode.HEDGE.value
    return (
        report.side is order.side
        and report.quantity == order.quantity
        and report.trigger_price == order.trigger_price
        and (marked or hedged)
    )


def _prove(position: ExecutionPosition, order: Order, report: OrderReport) -> None:
    if report.working_order_id is not None:
        return  # it has triggered and works as another order; it guards nothing more
    if is_as_asked(order, report):
        order.proved_at = utcnow()
    elif order.error_code != rows.NOT_AS_ASKED:
        order.error_code, order.proved_at = rows.NOT_AS_ASKED, None
        order.error_message = "The exchange shows it with another side, size, trigger or mark"
        alarm.refused(position, order, order.error_message)


def _ended(position: ExecutionPosition, order: Order) -> None:
    if not order.fills_complete:
        return
    order_filled = order.filled_quantity > 0
    if order_filled and position.quantity < position.lot_size:
        _finish(position, order)
    elif order_filled and order.role is OrderRole.STOP_LOSS:
        # The stop was hit; what it left must go, too.
        want_close(position, _reason(position, order))
    elif order_filled:
        _target_hit(position, order)
    due.mark(position)


def _finish(position: ExecutionPosition, order: Order) -> None:
    if position.status is PositionStatus.CLOSING:
        return  # an order of ours is under way; when it ends, it finds nothing left
    position.close_reason = _reason(position, order)
    if order.target_place is not None:
        ending.targets_done(position, {order.target_place})
    ending.finish(position, dust=position.quantity, order=order)


def _target_hit(position: ExecutionPosition, order: Order) -> None:
    place = order.target_place
    if place is None or place >= len(position.tp_prices) or position.tp_prices[place]["done"]:
        return
    share = position.entry_quantity * Decimal(position.tp_prices[place]["close_fraction"])
    left = share - rows.served(position.id).get(place, _ZERO)
    smallest = max(position.lot_size, position.min_quantity or _ZERO)
    if order.state is not OrderState.FILLED and left >= smallest:
        return  # the rest of it is placed again
    ending.targets_done(position, {place})
    ending.tell_part(position, order, ClosedReason.TAKE_PROFIT)
    if position.status is PositionStatus.OPEN and set(position.close_targets) == {place}:
        ending.forget_wish(position)
        journal.note("close_served", "The exchange has served the target already", position=position)


def _reason(position: ExecutionPosition, order: Order) -> ClosedReason:
    if order.role is OrderRole.TAKE_PROFIT:
        return ClosedReason.TAKE_PROFIT
    return ClosedReason.TRAILING if position.trailed else ClosedReason.STOP_LOSS
