"""Money on the dashboard: results of today, and what the accounts were worth last night. Reads only."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from portal.db import db
from portal.models import ExecutionAnalytics, ExecutionPosition
from portal.models.position import HELD

#: Currencies that are shown; there are rarely two.
_MOST = 3


@dataclass(frozen=True, slots=True)
class Money:
    """Net of fees and funding. `today`: of what was closed since midnight UTC."""

    currency: str
    unrealized: Decimal
    today: Decimal


@dataclass(frozen=True, slots=True)
class Equity:
    """What `accounts` accounts were worth together at the end of a day."""

    currency: str
    amount: Decimal
    accounts: int
    day: date


def results(today: datetime) -> list[Money]:
    """Open and today's closed results by settlement currency, the busiest first."""
    position = ExecutionPosition
    live = position.status.in_(HELD)
    rows = db.session.execute(
        sa.select(
            position.settle,
            sa.func.coalesce(sa.func.sum(position.unrealized_pnl).filter(live), 0),
            sa.func.coalesce(sa.func.sum(position.realized_pnl).filter(~live), 0),
        )
        .where(sa.or_(live, position.closed_at >= today))
        .group_by(position.settle)
        .order_by(sa.func.count().desc())
        .limit(_MOST)
    ).all()
    return [Money(*row) for row in rows]


def equity(today: datetime) -> list[Equity]:
    """By currency, from the figures of last night, the most accounts first; empty before the first night."""
    row, yesterday = ExecutionAnalytics, (today - timedelta(days=1)).date()
    rows = db.session.execute(
        sa.select(row.currency, sa.func.sum(row.equity), sa.func.count())
        .where(row.date == yesterday, row.currency.is_not(None), row.equity.is_not(None))
        .group_by(row.currency)
        .order_by(sa.func.count().desc(), row.currency)
        .limit(_MOST)
    ).all()
    return [Equity(str(currency), amount or Decimal(0), count, yesterday) for currency, amount, count in rows]
