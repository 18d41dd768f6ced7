"""How much a connection has lost today, in percent of what it had when the day began. Reads only."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from portal.db import db, utcnow
from portal.models import ExecutionAnalytics, ExecutionConnection, ExecutionPosition
from portal.models.position import HELD


def day_start(now: datetime) -> datetime:
    """Midnight UTC of the day of `now`."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class DayResult:
    """Today's result so far, and the equity the day began with when a nightly figure knows it."""

    result: Decimal
    starting_equity: Decimal | None

    def loss_percent(self, equity_now: Decimal) -> Decimal:
        """Loss in percent of the starting equity (failing that, of what there is now plus the loss); 0
        after a gain, 100 when there is a loss and nothing to measure it by."""
        loss = -self.result
        if loss <= 0:
            return Decimal(0)
        start = self.starting_equity or equity_now + loss
        return loss / start * 100 if start > 0 else Decimal(100)


def so_far(connection: ExecutionConnection) -> DayResult:
    """What today brought on this connection."""
    return DayResult(today(connection.id), _starting_equity(connection.id))


def today(connection_id: int) -> Decimal:
    """Result of the day: positions closed today, and what open ones would bring now, with what they have
    paid and brought in parts."""
    live = ExecutionPosition.status.in_(HELD)
    realized = sa.func.sum(ExecutionPosition.realized_pnl).filter(
        sa.or_(live, ExecutionPosition.closed_at >= day_start(utcnow()))
    )
    unrealized = sa.func.sum(ExecutionPosition.unrealized_pnl).filter(live)
    row = db.session.execute(
        sa.select(sa.func.coalesce(realized, 0), sa.func.coalesce(unrealized, 0)).where(
            ExecutionPosition.connection_id == connection_id
        )
    ).one()
    return Decimal(row[0]) + Decimal(row[1])


def _starting_equity(connection_id: int) -> Decimal | None:
    known: Decimal | None = db.session.execute(
        sa.select(ExecutionAnalytics.equity).where(
            ExecutionAnalytics.connection_id == connection_id,
            ExecutionAnalytics.date == day_start(utcnow()).date() - timedelta(days=1),
        )
    ).scalar_one_or_none()
    return known
