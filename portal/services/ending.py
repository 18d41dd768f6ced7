"""How a close ends: the position is closed, or it stays open with what is left. Joins the caller's
transaction; the position is locked by the caller."""

from datetime import timedelta
from decimal import Decimal

from portal.db import request_job, utcnow
from portal.models import ExecutionPosition, Order
from portal.services import journal
from portal.services.booking import reason_words
from portal.services.notifications import notify
from portal.trading.numbers import text
from portal.trading.types import ClosedReason, NotificationType, OrderState, PositionStatus

_RETRY = timedelta(seconds=5)
_DONE = (OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED)
_NEVER_THERE = (OrderState.REJECTED, OrderState.NOT_PLACED)
_HIT = {
    ClosedReason.STOP_LOSS: NotificationType.SL_HIT,
    ClosedReason.TRAILING: NotificationType.SL_HIT,
    ClosedReason.TAKE_PROFIT: NotificationType.TP_HIT,
}
_ZERO = Decimal(0)


def after_close_order(position: ExecutionPosition, order: Order) -> None:
    """A closing order reached an end: book what it means. An order still alive or in doubt changes nothing.
    Does not commit; a repeat for an order of an older version changes nothing."""
    if position.status is not PositionStatus.CLOSING or not order.intent_key.endswith(f":{position.version}"):
        return
    if order.state in _NEVER_THERE:
        _reopen(position, order, delay=_RETRY)
    elif order.state in _DONE and order.fills_complete:
        if position.quantity < position.lot_size:
            finish(position, dust=position.quantity)
        elif position.close_quantity is not None and order.filled_quantity > 0:
            position.version += 1
            position.status = PositionStatus.OPEN
            _tell(position, order)
            finish_targets(position)
        else:
            _reopen(position, order, delay=timedelta(0))


def finish(position: ExecutionPosition, *, dust: Decimal = _ZERO) -> None:
    """Close the books of a position; `dust` is what was too small to be sold."""
    position.dust_quantity += dust
    position.quantity = _ZERO
    position.unrealized_pnl = _ZERO
    position.status = PositionStatus.CLOSED
    position.closed_at = utcnow()
    position.closed_reason = position.close_reason or ClosedReason.EXTERNAL
    position.version += 1
    won = "profit" if position.realized_pnl >= 0 else "loss"
    result = f"{text(abs(position.realized_pnl).quantize(Decimal('0.00000001')))} {position.settle}"
    message = f"Closed by {reason_words(position.closed_reason)} with a {won} of {result}, fees included"
    journal.note("closed", message, position=position, dust=position.dust_quantity)
    notify(
        _HIT.get(position.closed_reason, NotificationType.CLOSE),
        f"{position.currency_pair} closed: {reason_words(position.closed_reason)}",
        message,
        position=position,
    )


def close_with_dust(position: ExecutionPosition) -> None:
    """What is held cannot be sold: too small for the venue. Booked exactly, shown, and closed."""
    finish(position, dust=position.quantity)


def finish_targets(position: ExecutionPosition) -> None:
    """The targets that a partial close served are done; the position goes on with the next one."""
    served = set(position.close_targets)
    position.tp_prices = [
        {**target, "done": target["done"] or place in served}
        for place, target in enumerate(position.tp_prices)
    ]
    position.next_tp_price = next(
        (Decimal(target["price"]) for target in position.tp_prices if not target["done"]), None
    )
    _forget_wish(position)


def _reopen(position: ExecutionPosition, order: Order, *, delay: timedelta) -> None:
    """The close did not do what was wanted: the wish stays, and is tried again under the next version."""
    position.version += 1
    position.status = PositionStatus.OPEN
    position.next_close_at = utcnow() + delay if delay else None
    why = order.error_message or f"the order ended as {order.state.value}"
    journal.note("close_again", f"Closing is tried again: {why}", position=position, order=order)
    if delay:
        notify(
            NotificationType.ERROR,
            f"{position.currency_pair} is not closed yet",
            f"{why}. It is tried again every few seconds.",
            position=position,
        )
    else:
        request_job("close_position", position.id)


def _forget_wish(position: ExecutionPosition) -> None:
    position.close_reason = None
    position.close_quantity = None
    position.close_targets = []
    position.close_execution_id = None
    position.close_requested_at = None
    position.next_close_at = None


def _tell(position: ExecutionPosition, order: Order) -> None:
    reason = position.close_reason or ClosedReason.MANUAL
    message = (
        f"Closed {text(order.filled_quantity)} of {position.currency_pair} by {reason_words(reason)};"
        f" {text(position.quantity)} stay open"
    )
    journal.note("partly_closed", message, position=position, order=order)
    notify(_HIT.get(reason, NotificationType.CLOSE), message, position=position)
