"""The execution says what its orders say. Joins the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.db import db, request_job
from portal.models import IN_DOUBT, Execution, ExecutionPosition, Order
from portal.models.order import NEVER_THERE
from portal.services import claims, outcomes
from portal.services.notifications import notify
from portal.trading.denials import Denial
from portal.trading.numbers import text
from portal.trading.proof import may_attempt_again
from portal.trading.transitions import can_move
from portal.trading.types import ExecutionStatus, NotificationType, OrderRole, OrderState, SignalAction

_UNDER_WAY = (ExecutionStatus.IN_FLIGHT, ExecutionStatus.UNRESOLVED)
# The order in which several closing orders speak for one execution: the first that applies.
_LOUDEST = (
    OrderState.UNRESOLVED,
    OrderState.IN_FLIGHT,
    OrderState.OPEN,
    OrderState.PARTIALLY_FILLED,
    OrderState.REJECTED,
    OrderState.NOT_PLACED,
    OrderState.EXPIRED,
    OrderState.CANCELED,
    OrderState.FILLED,
)


def follow(
    order: Order,
    position: ExecutionPosition | None,
    *,
    answered_at: datetime | None = None,
    again_in: timedelta | None = None,
    permanent: bool = False,
) -> None:
    """Let the execution of `order` follow it.

    `again_in`: nothing was placed, and the same intent may be attempted again after that time. `permanent`:
    the connection will not work until a person changes something. Does not commit; may be repeated."""
    if permanent and order.connection is not None and not order.connection.has_error():
        order.connection.mark_as_error(order.error_message or "The exchange refused the credentials")
        notify(
            NotificationType.CONNECTION,
            f"{order.connection.name} stopped: the exchange refused it",
            f"{(order.error_message or 'It said no more').rstrip('.')}. No signal reaches the account until a"
            " test succeeds; its page says what to change.",
            connection=order.connection,
        )
    if order.execution_id is None:
        return
    execution = _lock(order.execution_id)
    execution.answered_at = execution.answered_at or answered_at
    if order.role is not OrderRole.ENTRY:
        _follow_closes(execution)
    elif _speaks(execution, order):
        placed = order.state is not OrderState.NOT_PLACED or again_in is None
        if placed or not _attempt_again(execution, again_in or timedelta(0)):
            _follow_entry(execution, order, position)


def _follow_entry(execution: Execution, order: Order, position: ExecutionPosition | None) -> None:
    first = execution.finished_at is None
    outcomes.follow_order(execution, order)
    if first:
        _tell(execution, order, position)
        if order.connection is not None:
            order.connection.update_last_used()


def _speaks(execution: Execution, order: Order) -> bool:
    """Whether the state of this entry is the execution's. Not while it was filled and the position is not
    known: later signals of the lane wait for that."""
    if order.state not in IN_DOUBT and not order.fills_complete:
        return False
    return order.generation == execution.generation or _speaks_late(execution, order)


def _speaks_late(execution: Execution, order: Order) -> bool:
    """An earlier try was believed absent. Only a fill makes it count again, and ends the next before it is
    sent."""
    if order.filled_quantity <= 0 or execution.status in _UNDER_WAY:
        return False
    if execution.status is ExecutionStatus.PENDING:
        outcomes.move(execution, ExecutionStatus.IN_FLIGHT)
    return True


def _attempt_again(execution: Execution, delay: timedelta) -> bool:
    """Back to pending under a new generation: a new order, with a new id, after proof that the last does
    not exist."""
    if not may_attempt_again(
        generation=execution.generation, attempts=execution.attempts, proved_absent=not delay
    ):
        return False
    outcomes.move(execution, ExecutionStatus.PENDING)
    execution.generation += 1
    claims.release(execution, delay)
    request_job("run_execution", execution.id)
    return True


def settle_close(execution_id: int, order: Order | None, denial: Denial | None) -> None:
    """A position that this closing signal asked to close is closed: by `order` (which another wish may have
    sent), or without one, for the reason in `denial`. Does not commit; may be repeated."""
    _follow_closes(_lock(execution_id), order, denial)


def _lock(execution_id: int) -> Execution:
    return db.session.get_one(
        Execution, execution_id, with_for_update={"key_share": True}, populate_existing=True
    )


def _follow_closes(execution: Execution, order: Order | None = None, denial: Denial | None = None) -> None:
    """A closing signal is settled when every order it led to is, and no position still waits for one."""
    if execution.status not in _UNDER_WAY:
        # Several orders of one signal may pass through states that a single one could not.
        return
    orders = db.session.execute(sa.select(Order).where(Order.execution_id == execution.id)).scalars().all()
    waiting = db.session.execute(
        sa.select(sa.func.count()).where(
            ExecutionPosition.close_execution_id == execution.id,
            ExecutionPosition.close_reason.is_not(None),
            ExecutionPosition.closed_at.is_(None),
        )
    ).scalar_one()
    latest = _latest_per_position([*orders, order] if order is not None else orders)
    loudest = _loudest(latest) if latest else None
    if waiting and (loudest is None or loudest.state is not OrderState.UNRESOLVED):
        return
    status = outcomes.STATUS_OF[loudest.state] if loudest is not None else None
    if loudest is not None and status is not None and _may_say(execution, status):
        outcomes.follow_order(execution, loudest)
    else:
        code, message = (denial.code.value, denial.message) if denial is not None else (None, None)
        outcomes.finish(execution, ExecutionStatus.NOT_PLACED, code=code, message=message)


def _may_say(execution: Execution, status: ExecutionStatus) -> bool:
    return execution.status is status or can_move(execution.status, status)


def _latest_per_position(orders: Sequence[Order]) -> list[Order]:
    latest: dict[int | None, Order] = {}
    for order in sorted(orders, key=lambda each: each.id):
        latest[order.position_id] = order
    return list(latest.values())


def _loudest(orders: Sequence[Order]) -> Order:
    return min(orders, key=lambda order: _LOUDEST.index(order.state))


def _tell(execution: Execution, order: Order, position: ExecutionPosition | None) -> None:
    words = f"{order.side.value.capitalize()} {execution.currency_pair}"
    if order.state in NEVER_THERE:
        title = (
            f"{words} was {'refused by the exchange' if order.state is OrderState.REJECTED else 'not placed'}"
        )
        notify(NotificationType.EXECUTION, title, order.error_message or "", execution=execution)
    elif position is not None and execution.action is SignalAction.OPEN and order.average_price is not None:
        body = f"{text(order.filled_quantity)} {order.unit} at {text(order.average_price)}"
        notify(NotificationType.OPEN, f"{words}: {body}", execution=execution, position=position)
    elif order.error_code == "NOT_FILLED":
        notify(
            NotificationType.EXECUTION,
            f"{words} was not filled",
            order.error_message or "",
            execution=execution,
        )
    elif order.state is OrderState.OPEN:
        notify(NotificationType.EXECUTION, f"{words} waits at the exchange", execution=execution)
