"""What the accounts were worth at the end of each day, from the nightly figures."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from portal.db import db
from portal.models import ExecutionAnalytics
from portal.services.reports.scope import Scope

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Worth:
    """`accounts` accounts together at the end of one day."""

    date: dt.date
    equity: Decimal
    accounts: int


def curve(scope: Scope) -> list[Worth]:
    """Oldest first, days without any figures left out; an account without a figure that day counts with its
    last one."""
    row = ExecutionAnalytics
    before = sa.func.lag(row.equity).over(partition_by=row.connection_id, order_by=(row.date, row.id))
    known = (
        sa.select(row.date, row.equity, before.label("before"))
        .where(
            *scope.owned(row),
            row.date >= scope.since.date(),
            row.currency == scope.currency,
            row.equity.is_not(None),
        )
        .subquery()
    )
    came = sa.func.count().filter(known.c.before.is_(None))
    changed = sa.func.sum(known.c.equity - sa.func.coalesce(known.c.before, 0))
    rows = db.session.execute(
        sa.select(known.c.date, changed, came).group_by(known.c.date).order_by(known.c.date)
    )
    points, equity, accounts = [], _ZERO, 0
    for date, difference, more in rows:
        equity, accounts = equity + difference, accounts + more
        points.append(Worth(date, equity, accounts))
    return points


def drawdowns(points: Sequence[Worth]) -> list[Decimal]:
    """Percent below the highest equity so far, as negative numbers. The peak starts anew on a day on which
    accounts were added or went away: money that came or left is neither gain nor loss."""
    fallen, peak, accounts = [], _ZERO, 0
    for point in points:
        peak = point.equity if point.accounts != accounts else max(peak, point.equity)
        accounts = point.accounts
        fallen.append((point.equity - peak) / peak * 100 if peak > 0 else _ZERO)
    return fallen
