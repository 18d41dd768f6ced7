"""What people ask of a position: to be closed, or another stop. Workers do it: `closing.run_close` and
`protection.job.protect`."""

from collections.abc import Sequence
from decimal import Decimal

import sqlalchemy as sa

from portal.db import request_job, transaction, utcnow
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import ExecutionPosition
from portal.models.position import HELD
from portal.services import audit, journal
from portal.services.protection import due
from portal.trading.numbers import NumberError, parse_decimal, text
from portal.trading.types import ClosedReason, PositionSide, PositionStatus


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
        if position.status not in HELD:
            raise ConflictError(
                f"position {position_id} is {position.status.value} already; nothing was sent"
            )
        _ask(position, reason, actor)


def request_closes(position_ids: Sequence[int], *, actor: audit.Actor, **why: object) -> int:
    """As `request_close` by hand for each of these positions, in one transaction: what is closed, or being
    closed, is left alone. `why` goes into the audit entries. Returns for how many it was asked now. Commits;
    may be repeated, also at the same time."""
    locked = (
        sa.select(ExecutionPosition)
        .where(ExecutionPosition.id.in_(position_ids), ExecutionPosition.status.in_(HELD))
        # Always in the same order, so that two wishes at once wait for each other and do not lock up.
        .order_by(ExecutionPosition.id)
        .with_for_update(key_share=True)
    )
    with transaction() as session:
        found = session.execute(locked).scalars()
        return sum(_ask(position, ClosedReason.MANUAL, actor, **why) for position in found)


def _ask(position: ExecutionPosition, reason: ClosedReason, actor: audit.Actor, **why: object) -> bool:
    if not want_close(position, reason):
        return False
    audit.record(
        actor, "portal.position.close_requested", "position", position.id, reason=reason.value, **why
    )
    return True


def move_stop(position_id: int, price: object, *, actor: audit.Actor) -> None:
    """Put the stop of an open position at `price`, in quote currency: nearer or farther, as the owner wants.
    The order at the venue follows; until it has, Portico watches the new price itself.

    Raises NotFoundError, ConflictError (not open, or being closed), ValidationError (field `price`: no price,
    off the tick, or on the wrong side of the market). Commits; a repeat changes nothing."""
    with transaction() as session:
        position = session.get(ExecutionPosition, position_id, with_for_update={"key_share": True})
        if position is None:
            raise NotFoundError(f"position {position_id} does not exist; nothing was changed")
        if position.status is not PositionStatus.OPEN or position.close_reason is not None:
            raise ConflictError(f"position {position_id} is closed or being closed; its stop was not moved")
        wanted = _stop_price(position, price)
        before = position.sl_price
        if wanted == before:
            return
        position.sl_price, position.trailed, position.exit_reached_at = wanted, False, None
        message = f"Stop moved by hand from {text(before) if before else 'none'} to {text(wanted)}"
        journal.note("stop_moved", message, position=position)
        due.mark(position)
        audit.record(
            actor, "portal.position.stop_moved", "position", position.id,
            before=text(before) if before else None, after=text(wanted),
        )  # fmt: skip


def _stop_price(position: ExecutionPosition, price: object) -> Decimal:
    try:
        wanted = parse_decimal(price, "price")
    except NumberError as error:
        raise ValidationError({"price": error.message.removeprefix("price ")}) from error
    if wanted % position.tick_size:
        raise ValidationError(
            {"price": f"was {text(wanted)}; it must be a multiple of {text(position.tick_size)}."}
        )
    mark, side = position.mark_price, position.position_side
    if mark is not None and (mark - wanted) * side.sign <= 0:
        where = f"{'below' if side is PositionSide.LONG else 'above'} the price, which is {text(mark)}"
        raise ValidationError({"price": f"was {text(wanted)}; the stop of a {side} must be {where}."})
    return wanted


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
