"""Nobody can prove that a position is protected: say so once, loudly, and do what its preset wants. Places
nothing itself."""

from datetime import timedelta

import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.models import ExecutionPosition, Order
from portal.models.position import HELD
from portal.services import journal, positions
from portal.services.notifications import notify
from portal.services.protection import due
from portal.trading.types import (
    ClosedReason,
    NotificationType,
    OrderRole,
    Protection,
    WhenUnprotected,
)

#: A position that was not proved for so long is called unprotected.
PATIENCE = timedelta(seconds=60)
#: So many refusals of its stop in a row, likewise.
REFUSALS = 3
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(seconds=60)


def refused(position: ExecutionPosition, order: Order, why: str, *, retry_after: int | None = None) -> None:
    """A guard of a locked position was not taken, or not as it was asked for. The next try waits; a target
    is watched by us from now on, a stop raises the alarm after some. Does not commit."""
    due.mark(position)
    if order.role is OrderRole.TAKE_PROFIT:
        position.tp_prices = [
            {**target, "local": True} if place == order.target_place else target
            for place, target in enumerate(position.tp_prices)
        ]
        return
    position.guard_failures += 1
    wait = min(_FIRST_WAIT * (1 << min(position.guard_failures - 1, 4)), _LONGEST_WAIT)
    position.next_guard_at = utcnow() + max(wait, timedelta(seconds=retry_after or 0))
    position.protection_note = f"The exchange did not take the stop: {why}"
    if position.guard_failures >= REFUSALS:
        unprotected(position)


def unprotected(position: ExecutionPosition) -> None:
    """Raise the alarm on a locked position, once until it is proved again. Does not commit."""
    position.protection = Protection.FAILED
    if position.unprotected_told_at is not None:
        return
    position.unprotected_told_at = utcnow()
    closes = position.when_unprotected is WhenUnprotected.CLOSE
    what = (
        "It is closed at the market now, as its preset says."
        if closes
        else "Portico watches its stop every minute and goes on trying. Place one there by hand, or close it."
    )
    why = position.protection_note or "No stop at the exchange could be proved"
    journal.note("unprotected", why, position=position)
    notify(
        NotificationType.UNPROTECTED,
        f"{position.currency_pair} is not protected at the exchange",
        f"{why}. {what}",
        position=position,
    )
    if closes:
        positions.want_close(position, ClosedReason.EMERGENCY)


def overdue(limit: int) -> int:
    """Raise the alarm for positions that wait for proof too long. Returns how many. Commits each; may be
    repeated, also at the same time."""
    late = sa.and_(
        ExecutionPosition.status.in_(HELD),
        ExecutionPosition.protection_due_since < sa.func.now() - PATIENCE,
        ExecutionPosition.unprotected_told_at.is_(None),
    )
    ids = list(db.session.execute(sa.select(ExecutionPosition.id).where(late).limit(limit)).scalars())
    end_read()
    for position_id in ids:
        with transaction() as session:
            position = session.execute(
                sa.select(ExecutionPosition)
                .where(ExecutionPosition.id == position_id, late)
                .with_for_update(key_share=True, skip_locked=True)
            ).scalar_one_or_none()
            if position is not None:
                unprotected(position)
    return len(ids)
