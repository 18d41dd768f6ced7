"""How an execution ends without an order, or after one. Joins the caller's transaction."""

from portal.db import utcnow
from portal.models import IN_DOUBT, Execution, Order
from portal.services import claims, journal
from portal.services.notifications import notify
from portal.trading.denials import Denial, DenialCode
from portal.trading.transitions import check_move
from portal.trading.types import ExecutionStatus, NotificationType, OrderState

_EXPIRING = {DenialCode.SIGNAL_EXPIRED, DenialCode.SIGNAL_TOO_OLD}

#: The execution's word for each state of its order.
STATUS_OF: dict[OrderState, ExecutionStatus] = {state: ExecutionStatus(state.value) for state in OrderState}


def deny(execution: Execution, denial: Denial) -> None:
    """Refuse before the wire: nothing was sent. A signal that came too late is `expired`; one whose first
    order was proved absent stays `not_placed`. Does not commit."""
    status = ExecutionStatus.EXPIRED if denial.code in _EXPIRING else ExecutionStatus.DENIED
    if execution.generation > 0:
        status = ExecutionStatus.NOT_PLACED
    finish(execution, status, code=denial.code.value, message=denial.message)
    journal.note(status.value, denial.message, execution=execution, code=denial.code.value)
    notify(
        NotificationType.EXECUTION,
        f"{execution.direction.value.capitalize()} {execution.currency_pair} was not placed",
        denial.message,
        execution=execution,
    )


def finish(
    execution: Execution, status: ExecutionStatus, *, code: str | None = None, message: str | None = None
) -> None:
    """Set an outcome, end the claim, and wake the next signal of the lane. Does not commit."""
    move(execution, status)
    execution.code = code
    execution.message = message
    execution.finished_at = execution.finished_at or utcnow()
    execution.claim_token = None
    execution.lease_until = None
    claims.wake_next(execution)


def move(execution: Execution, status: ExecutionStatus, *, is_late_fill: bool = False) -> None:
    """Change the status along the table of legal moves; the same status again is no move."""
    if execution.status is not status:
        check_move(execution.status, status, is_late_fill=is_late_fill)
        execution.status = status


def begin_again(execution: Execution, generation: int) -> None:
    """Let a locked execution wait for a worker once more, as if it had just been published. Whoever calls has
    made sure that no order of it exists or may exist. Does not commit."""
    check_move(execution.status, ExecutionStatus.PENDING, is_rerun=True)
    execution.status = ExecutionStatus.PENDING
    execution.generation = generation
    execution.code = execution.message = None
    execution.claim_token = execution.lease_until = execution.next_attempt_at = None
    execution.attempts = 0
    execution.claimed_at = execution.read_at = execution.intended_at = None
    execution.answered_at = execution.finished_at = None
    execution.rerun_at = utcnow()


def follow_order(execution: Execution, order: Order) -> None:
    """Let the execution say what its order says. Does not commit."""
    status = STATUS_OF[order.state]
    if order.state in IN_DOUBT:
        move(execution, status)
        execution.code = order.error_code
        execution.message = order.error_message
        return
    move(execution, status, is_late_fill=order.filled_quantity > 0)
    finish(execution, status, code=order.error_code, message=order.error_message)
