"""Positions whose guards somebody must look at, for the sweeper. Reads only."""

from datetime import timedelta

import sqlalchemy as sa

from portal.models import ExecutionPosition, Order
from portal.models.order import LIVE
from portal.models.position import HELD
from portal.trading.types import PositionStatus

#: A fresh position has its own job; asking earlier would only queue it twice.
_YOUNG = timedelta(seconds=5)


def unproved() -> sa.Select[int]:
    """Positions that wait for proof, or for a guard whose price was reached."""
    position = ExecutionPosition
    waits = sa.or_(
        position.protection_due_since < sa.func.now() - _YOUNG, position.exit_reached_at.is_not(None)
    )
    rested = sa.or_(position.next_guard_at.is_(None), position.next_guard_at <= sa.func.now())
    return (
        sa.select(position.id)
        .where(position.status == PositionStatus.OPEN, position.connection_id.is_not(None), waits, rested)
        .order_by(position.protection_due_since)
    )


def left_over() -> sa.Select[int]:
    """Closed positions with guards that still rest, or may."""
    return (
        sa.select(ExecutionPosition.id)
        .join(Order, Order.position_id == ExecutionPosition.id)
        .where(
            Order.is_guard,
            Order.state.in_(LIVE),
            Order.connection_id.is_not(None),
            ExecutionPosition.status.not_in(HELD),
        )
        .distinct()
    )
