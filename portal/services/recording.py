"""T3: what the venue answered, written once. The only code that changes the state of an order after its
intent; used by whoever sent it and by whoever asked about it later."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.db import db, request_job, transaction, utcnow
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.models import IN_DOUBT, RESTING, ExecutionPosition, Order
from portal.models.order import CUT_SHORT
from portal.services import booking, ending, following, journal, order_news
from portal.services.notifications import notify
from portal.services.protection import due
from portal.services.protection import outcomes as guard_outcomes
from portal.services.unresolved import telling
from portal.trading.orders import FillReport, OrderReport
from portal.trading.proof import DECLARED_NOT_PLACED, PROVED_ABSENT, backoff, end_without_order
from portal.trading.transitions import can_move, is_terminal
from portal.trading.types import NotificationType, OrderRole, OrderState, OrderType, TimeInForce

logger = logging.getLogger(__name__)

_ZERO = Decimal(0)
_FOLLOW_EVERY = timedelta(seconds=45)
#: After so many questions in vain for the fills of one order somebody is told.
_ALARM_AT = 6
#: From then on they are asked for this often.
_AFTER_ALARM = timedelta(seconds=60)
_ABSENT = "The exchange proved never to have taken the order"
_NOT_EXECUTED = (
    "The exchange has neither an open order nor a fill of it. It does not list orders that ended, so no"
    " second order follows"
)
_NOT_FILLED = "NOT_FILLED"
#: Error code of orders that rested and that their venue lost, or took off without a word.
VANISHED = "VANISHED"
# Locks the order alone; what it belongs to comes along in the same round trip.
_LOCK = (
    sa.select(Order)
    .options(joinedload(Order.connection), joinedload(Order.execution))
    .where(Order.id == sa.bindparam("order_id"))
    .with_for_update(key_share=True, of=Order)
    .execution_options(populate_existing=True)
)


def record_report(
    order_id: int,
    report: OrderReport,
    fills: Iterable[FillReport],
    *,
    duration_ms: int | None = None,
    answered_at: datetime | None = None,
    resolved: bool = False,
    check: Callable[[Order], None] | None = None,
) -> timedelta | None:
    """The venue knows the order: store state and fills, and let position and execution follow, in one
    transaction. Returns when to ask again, if that is soon. May be repeated with the same or an older report;
    nothing is booked twice. `check` sees the locked row first; when it raises, nothing is recorded."""
    with transaction():
        order = lock(order_id)
        if check is not None:
            check(order)
        before = order.state
        position = booking.book(order, fills)
        order.exchange_order_id = order.exchange_order_id or report.exchange_order_id
        order.working_order_id = report.working_order_id or order.working_order_id
        order.acknowledged_at = order.acknowledged_at or utcnow()
        if order.state in RESTING and order.absent_answers:
            # Seen again: what was not found before proves nothing any more.
            order.absent_answers, order.absent_from, order.last_absent_at = 0, [], None
        _advance(order, report)
        soon = _schedule(order, report)
        order_news.log_report(order, before, duration_ms, resolved)
        following.follow(order, position, answered_at=answered_at)
        if position is not None and order.is_guard:
            guard_outcomes.after_guard(position, order, report, read_back=duration_ms is None)
        elif position is not None and order.role is OrderRole.ENTRY:
            ending.after_entry_fills(position)
        elif position is not None and position.id == order.position_id:
            ending.after_close_order(position, order)
            following.follow(order, position)
        telling.settled(order, before)
    return soon


def record_not_placed(order_id: int, error: ExchangeError, duration_ms: int) -> None:
    """Proof that nothing was placed: the venue refused with its code, or nothing was sent. Commits;
    repeatable."""
    with transaction():
        order = lock(order_id)
        if order.state is not OrderState.IN_FLIGHT:
            return
        again = error.again or error.code is ErrorCode.WINDOW_PASSED
        order.state = end_without_order(again=again, refused_with_code=error.venue_code is not None)
        _end(order, error.code.value, error.message, error.venue_code)
        journal.note(
            order.state.value,
            error.message,
            order=order,
            execution=order.execution,
            duration_ms=duration_ms,
            code=error.code.value,
            venue_code=error.venue_code,
        )
        if error.code is ErrorCode.WRONG_POSITION_MODE and order.connection_id is not None:
            # Somebody switched it at the exchange since it was learnt.
            request_job("test_connection", order.connection_id)
        again_in = timedelta(seconds=error.retry_after or 1) if again else None
        _follow_nothing(order, again_in, permanent=error.permanent, retry_after=error.retry_after)


def record_unknown(order_id: int, code: str, message: str, duration_ms: int) -> None:
    """Nobody knows whether the order exists. From here on only questions. Commits; may be repeated."""
    with transaction():
        order = lock(order_id)
        if order.state is not OrderState.IN_FLIGHT:
            return
        order.state = OrderState.UNRESOLVED
        order.error_code, order.error_message = code, message
        order.next_query_at = utcnow()
        journal.note(
            "unresolved",
            message,
            order=order,
            execution=order.execution,
            duration_ms=duration_ms,
            code=code,
        )
        following.follow(order, None)
        request_job("resolve_order", order.id)


def record_doubt(order_id: int) -> None:
    """An order in flight whose sender is gone is in doubt like one without an answer. Commits; may be
    repeated."""
    with transaction():
        order = lock(order_id)
        if order.state is OrderState.IN_FLIGHT:
            order.state = OrderState.UNRESOLVED
            order.error_code = order.error_code or "UNKNOWN"
            order.error_message = order.error_message or "The worker stopped before it had an answer"
            journal.note("unresolved", order.error_message, order=order, execution=order.execution)
            following.follow(order, None)


def record_absent(order_id: int, *, may_follow: bool) -> None:
    """Proved: no such order waits or was executed. With `may_follow` (it left no trace at all) the execution
    may get one more while its signal is alive. Commits; may be repeated."""
    with transaction():
        order = lock(order_id)
        if order.state in IN_DOUBT:
            again_in = timedelta(0) if may_follow else None
            end_unplaced(order, PROVED_ABSENT, _ABSENT if may_follow else _NOT_EXECUTED, again_in)


def end_unplaced(order: Order, code: str, message: str, again_in: timedelta | None = None) -> None:
    """A locked order in doubt is settled as never placed; what it belongs to follows. Does not commit."""
    before, order.state = order.state, OrderState.NOT_PLACED
    _end(order, code, message, None)
    journal.note("not_placed", message, order=order, execution=order.execution)
    _follow_nothing(order, again_in)
    telling.settled(order, before)


def _follow_nothing(
    order: Order, again_in: timedelta | None, *, permanent: bool = False, retry_after: int | None = None
) -> None:
    position = _lock_position(order)
    following.follow(order, position, again_in=again_in, permanent=permanent)
    if position is not None and order.is_guard:
        guard_outcomes.after_refusal(position, order, retry_after=retry_after)
    elif position is not None and position.id == order.position_id:
        ending.after_close_order(position, order, retry_after=retry_after)


def record_vanished(order_id: int, fills: Iterable[FillReport] = ()) -> None:
    """Proved: an order that rested is not there any more, and nothing but `fills` was executed of it; its
    venue does not list orders that ended. Commits; may be repeated."""
    with transaction():
        order = lock(order_id)
        if order.state not in RESTING:
            return
        position = booking.book(order, fills) or _lock_position(order)
        whole = order.filled_quantity >= order.quantity
        order.state = OrderState.FILLED if whole else OrderState.CANCELED
        _end(order, VANISHED, "The exchange does not have it any more", None)
        journal.note(order.state.value, order.error_message or "", order=order)
        if order.is_guard:
            if position is not None:
                due.mark(position)
            return
        order_news.tell_vanished(order)
        following.follow(order, position)
        if position is not None and order.role is OrderRole.ENTRY:
            ending.after_entry_fills(position)
        elif position is not None and position.id == order.position_id:
            ending.after_close_order(position, order)


def lock(order_id: int) -> Order:
    """The row, locked, with what it belongs to. Joins the caller's transaction. Raises NoResultFound."""
    return db.session.execute(_LOCK, {"order_id": order_id}).scalar_one()


def _lock_position(order: Order) -> ExecutionPosition | None:
    if order.position_id is None:
        return None
    return db.session.get(
        ExecutionPosition, order.position_id, with_for_update={"key_share": True}, populate_existing=True
    )


def _state_of(order: Order, report: OrderReport) -> OrderState:
    """The venue's word, except that `rejected` is an answer to the request alone: an order that was in doubt
    or rested has ended without being filled further."""
    if report.state is OrderState.REJECTED and order.state is not OrderState.IN_FLIGHT:
        return OrderState.CANCELED
    return report.state


def _advance(order: Order, report: OrderReport) -> None:
    old, new = order.state, _state_of(order, report)
    if order.filled_quantity and order.error_code in (_NOT_FILLED, order_news.FILLS_MISSING):
        order.error_code = order.error_message = None
    if new is old:
        return
    if can_move(old, new):
        order.state = new
    elif order.filled_quantity > 0 and can_move(old, new, is_late_fill=True):
        order.state = new
        message = f"A fill arrived after the order was {old.value.replace('_', ' ')}"
        journal.note("late_fill", message, order=order)
        notify(
            NotificationType.ERROR,
            f"Late fill on {order.symbol}",
            f"{message}. It is booked. Compare the position with the account at the exchange.",
            connection=order.connection,
        )
    else:
        logger.info("order %s: an older answer (%s) was ignored, it is %s", order.id, new, old)
        return
    if (old in IN_DOUBT and new not in IN_DOUBT) or order.error_code == DECLARED_NOT_PLACED:
        order.error_code = order.error_message = None
    if is_terminal(order.state):
        order.closed_at = order.closed_at or utcnow()
    if order.state is OrderState.REJECTED:
        order.error_code = ErrorCode.REFUSED.value
        order.error_message = "The exchange answered that it rejected the order, without saying why"
    if order.state in CUT_SHORT and not order.filled_quantity and not report.filled_quantity:
        order.error_code = _NOT_FILLED
        order.error_message = f"The exchange ended the order as {order.state.value} without filling any of it"


def _schedule(order: Order, report: OrderReport) -> timedelta | None:
    """An ended order is asked about until its fills are complete, an immediate one until it has ended, soon;
    a resting one by the follow-up. Returns the wait when it is soon."""
    # A report that is older than what is known must not make half the fills look like all of them.
    whole = min(report.quantity, order.quantity) if order.state is OrderState.FILLED else _ZERO
    order.fills_complete = order.filled_quantity >= max(report.filled_quantity, whole)
    ended = is_terminal(order.state)
    if ended and order.fills_complete:
        order.next_query_at = None
        return None
    if order.fills_complete and not _is_immediate(order):
        # Guards are read back every minute anyway, by the connection's own job.
        order.next_query_at = utcnow() + (_FOLLOW_EVERY * 2 if order.is_guard else _FOLLOW_EVERY)
        return None
    wait = backoff(order.queries) if order.queries else timedelta(0)
    if not order.fills_complete and order.queries >= _ALARM_AT:
        order_news.tell_missing(order)
        wait = _AFTER_ALARM
    order.next_query_at = utcnow() + wait
    request_job("resolve_order", order.id, after=wait)
    return max(wait, backoff(0))


def _is_immediate(order: Order) -> bool:
    """By nature such an order has ended when it is acknowledged, whatever the acknowledgement says."""
    return order.order_type is OrderType.MARKET or order.time_in_force is not TimeInForce.STANDARD


def _end(order: Order, code: str, message: str, venue_code: str | None) -> None:
    order.error_code, order.error_message, order.venue_code = code, message, venue_code
    order.closed_at = utcnow()
    order.next_query_at = None
    order.fills_complete = True
