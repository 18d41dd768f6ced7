"""How a close ends: the position is closed, or it stays open with what is left. Joins the caller's
transaction; the position is locked by the caller."""

from collections.abc import Set
from datetime import timedelta
from decimal import Decimal

from portal.db import request_job, utcnow
from portal.models import ExecutionPosition, Order
from portal.models.order import CUT_SHORT, NEVER_THERE
from portal.services import following, journal
from portal.services.booking import reason_words
from portal.services.notifications import notify
from portal.services.protection import due
from portal.trading.denials import Denial
from portal.trading.numbers import text
from portal.trading.types import ClosedReason, NotificationType, OrderState, PositionStatus

_RETRY = timedelta(seconds=5)
#: However often a close failed, it is tried about once a minute.
_LONGEST_WAIT = timedelta(seconds=60)
_DONE = (OrderState.FILLED, *CUT_SHORT)
_HIT = {
    ClosedReason.STOP_LOSS: NotificationType.SL_HIT,
    ClosedReason.TRAILING: NotificationType.SL_HIT,
    ClosedReason.TAKE_PROFIT: NotificationType.TP_HIT,
    ClosedReason.LIQUIDATION: NotificationType.LIQUIDATION,
}
_ZERO = Decimal(0)


def after_close_order(position: ExecutionPosition, order: Order, *, retry_after: int | None = None) -> None:
    """A closing order reached an end: book what it means. An order still alive or in doubt changes nothing.
    `retry_after` are the seconds that the venue asked us to wait. Does not commit; a repeat for an order of
    an older version changes nothing."""
    if position.status is not PositionStatus.CLOSING or not order.intent_key.endswith(f":{position.version}"):
        return
    if order.state in NEVER_THERE and position.guard_version and position.quantity < position.lot_size:
        # A guard at the venue was quicker.
        finish(position, dust=position.quantity)
    elif order.state in NEVER_THERE:
        _reopen(position, order, retry_after)
    elif order.state in _DONE and order.fills_complete:
        if position.quantity < position.lot_size:
            finish(position, dust=position.quantity, order=order)
        elif position.close_quantity is not None and _served(position, order):
            position.version += 1
            position.status = PositionStatus.OPEN
            tell_part(position, order, position.close_reason or ClosedReason.MANUAL)
            finish_targets(position)
        else:
            _reopen(position, order, None)


def after_entry_fills(position: ExecutionPosition) -> None:
    """Fills of an entry came in. A position that was closed before them holds something again: it is opened
    and closed once more, because the wish to be out still stands. Does not commit; may be repeated."""
    if position.status is not PositionStatus.CLOSED or position.quantity <= 0:
        return
    if position.quantity < position.lot_size:
        position.dust_quantity += position.quantity
        position.quantity = _ZERO
        return
    late = f"{text(position.quantity)} {position.unit}"
    message = f"{late} were filled after the position was closed; they are closed too"
    position.status = PositionStatus.OPEN
    position.closed_at = position.closed_reason = None
    position.close_reason = position.close_reason or ClosedReason.MANUAL
    position.close_quantity = None
    position.next_close_at = None
    journal.note("opened_again", message, position=position)
    notify(NotificationType.ERROR, f"{position.currency_pair}: {message}", position=position)
    request_job("close_position", position.id)


def finish(
    position: ExecutionPosition,
    *,
    dust: Decimal = _ZERO,
    order: Order | None = None,
    denial: Denial | None = None,
) -> None:
    """Close the books of a position; `dust` is what was too small to be sold. `order` closed it, or `denial`
    says why none could: the signal that asked for the close is settled with it."""
    position.dust_quantity += dust
    position.quantity = _ZERO
    position.unrealized_pnl = _ZERO
    position.closed_at = utcnow()
    position.closed_reason = position.close_reason or ClosedReason.EXTERNAL
    liquidated = position.closed_reason is ClosedReason.LIQUIDATION
    position.status = PositionStatus.LIQUIDATED if liquidated else PositionStatus.CLOSED
    position.version += 1
    due.end(position)
    won = "profit" if position.realized_pnl >= 0 else "loss"
    result = f"{text(abs(position.realized_pnl).quantize(Decimal('0.00000001')))} {position.settle}"
    message = f"Closed by {reason_words(position.closed_reason)} with a {won} of {result}, fees included"
    journal.note("closed", message, position=position, dust=position.dust_quantity)
    notify(
        _HIT.get(position.closed_reason, NotificationType.CLOSE),
        f"{position.currency_pair} closed by {reason_words(position.closed_reason)}",
        message,
        position=position,
    )
    if position.close_execution_id is not None:
        following.settle_close(position.close_execution_id, order, denial)


def postpone(position: ExecutionPosition, why: str, *, retry_after: int | None = None) -> None:
    """The close was not done: the wish stays and is tried again, the longer it fails the less often, and not
    before the venue allows. The owner is told once. Does not commit."""
    first = position.next_close_at is None
    trying_for = utcnow() - (position.close_requested_at or utcnow())
    wait = max(_RETRY, min(trying_for / 4, _LONGEST_WAIT), timedelta(seconds=retry_after or 0))
    position.next_close_at = utcnow() + wait
    journal.note("close_postponed", f"The close was not done: {why}", position=position)
    if first:
        notify(
            NotificationType.ERROR,
            f"{position.currency_pair} is not closed yet",
            f"{why}. The close is tried again until it is done.",
            position=position,
        )


def finish_targets(position: ExecutionPosition) -> None:
    """The targets that a partial close served are done; the position goes on with the next one."""
    targets_done(position, set(position.close_targets))
    forget_wish(position)
    due.mark(position)


def targets_done(position: ExecutionPosition, places: Set[int]) -> None:
    """These targets need not be watched any more. Does not commit; may be repeated."""
    position.tp_prices = [
        {**target, "done": target["done"] or place in places}
        for place, target in enumerate(position.tp_prices)
    ]
    position.next_tp_price = next(
        (Decimal(target["price"]) for target in position.tp_prices if not target["done"]), None
    )


def _served(position: ExecutionPosition, order: Order) -> bool:
    """Whether a partial close is done. What it still has to sell stays wished for."""
    if order.filled_quantity <= 0 or position.close_quantity is None:
        return False
    left = position.close_quantity - order.filled_quantity
    if left < max(position.lot_size, position.min_quantity or _ZERO):
        return True
    position.close_quantity = left
    return False


def _reopen(position: ExecutionPosition, order: Order, retry_after: int | None) -> None:
    """The close did not do all that was wanted: the wish stays, and is tried again under the next version.
    At once only when something was filled: a market that fills nothing is not hammered."""
    position.version += 1
    position.status = PositionStatus.OPEN
    due.mark(position)
    why = order.error_message or f"the order ended as {order.state.value}"
    if order.filled_quantity > 0:
        position.next_close_at = None
        journal.note("close_again", f"Closing goes on: {why}", position=position, order=order)
        request_job("close_position", position.id)
    else:
        postpone(position, why, retry_after=retry_after)


def forget_wish(position: ExecutionPosition) -> None:
    """Nothing is to be closed any more. Does not commit."""
    position.close_reason = None
    position.close_quantity = None
    position.close_targets = []
    position.close_execution_id = None
    position.close_requested_at = None
    position.next_close_at = None


def tell_part(position: ExecutionPosition, order: Order, reason: ClosedReason) -> None:
    """Say that `order` closed a part for `reason`. Does not commit."""
    message = (
        f"Closed {text(order.filled_quantity)} {position.unit} of {position.currency_pair}"
        f" by {reason_words(reason)}; {text(position.quantity)} {position.unit} stay open"
    )
    journal.note("partly_closed", message, position=position, order=order)
    notify(_HIT.get(reason, NotificationType.CLOSE), message, position=position)
