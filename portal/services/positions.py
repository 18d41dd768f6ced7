"""Asking for a position to be closed. The close itself is `closing.run_close`, in a worker."""

from decimal import Decimal

from portal.db import request_job, transaction, utcnow
from portal.errors import ConflictError, NotFoundError
from portal.models import ExecutionPosition
from portal.services import audit, journal
from portal.trading.types import ClosedReason, PositionStatus


def request_close(
    position_id: int, *, actor: audit.Actor, reason: ClosedReason = ClosedReason.MANUAL
) -> None:
    """Ask for all of an open position to be closed at the market.

    A repeat while the close is under way changes nothing. Raises NotFoundError, ConflictError (closed
    already). Commits; may be repeated."""
    with transaction() as session:
        position = session.get(ExecutionPosition, position_id, with_for_update={"key_share": True})
        if position is None:
            raise NotFoundError(f"position {position_id} does not exist; nothing was closed")
        if position.status not in (PositionStatus.OPEN, PositionStatus.CLOSING):
            raise ConflictError(
                f"position {position_id} is {position.status.value} already; nothing was sent"
            )
        if want_close(position, reason):
            audit.record(
                actor, "portal.position.close_requested", "position", position.id, reason=reason.value
            )


def want_close(
    position: ExecutionPosition,
    reason: ClosedReason,
    *,
    quantity: Decimal | None = None,
    targets: tuple[int, ...] = (),
    execution_id: int | None = None,
) -> bool:
    """Write on a locked row that it shall be closed (all of it, or `quantity`), and ask for the job. A full
    close replaces the wish for a partial one, never the other way round. False when nothing changed. Does
    not commit."""
    if position.close_reason is not None:
        # Also while an order for the part is under way: when that ends, the rest follows.
        full_over_partial = quantity is None and position.close_quantity is not None
        if not full_over_partial:
            return False
    position.close_reason = reason
    position.close_quantity = quantity
    position.close_targets = list(targets)
    position.close_execution_id = execution_id
    position.close_requested_at = utcnow()
    position.next_close_at = None
    journal.note("close_requested", f"Close asked for: {reason.value}", position=position, quantity=quantity)
    request_job("close_position", position.id)
    return True
