"""What the accounts were worth at the end of each day, from the nightly figures."""

import datetime as dt
from collections import defaultdict
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
    found = db.session.execute(
        sa.select(row.date, row.connection_id, row.equity)
        .where(
            *scope.owned(row),
            row.date >= scope.since.date(),
            row.currency == scope.currency,
            row.equity.is_not(None),
        )
        .order_by(row.date)
    ).all()
    by_date: dict[dt.date, dict[int | None, Decimal]] = defaultdict(dict)
    for date, connection_id, equity in found:
        by_date[date][connection_id] = equity or _ZERO
    known: dict[int | None, Decimal] = {}
    points = []
    for date, values in by_date.items():
        known.update(values)
        points.append(Worth(date, sum(known.values(), _ZERO), len(known)))
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
