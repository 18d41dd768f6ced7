"""What was earned and lost: per day, and per connection, preset, market or source of signals."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.models import (
    Execution,
    ExecutionConnection,
    ExecutionPosition,
    Order,
    Signal,
    TradingPreset,
)
from portal.services.reports.scope import Scope
from portal.trading.types import OrderRole, Side

_ZERO = Decimal(0)


class GroupBy(StrEnum):
    """What caused a result."""

    CONNECTION = "connection"
    PRESET = "preset"
    SYMBOL = "symbol"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day. `result` is net of fees and funding."""

    date: dt.date
    trades: int
    wins: int
    result: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Result:
    """Closed positions together; money in the currency of the scope, net of fees and funding. Ratios are None
    where they are not defined."""

    name: str
    trades: int
    wins: int
    losses: int
    result: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    fees: Decimal
    #: Mean of the entries, positive = worse than the price that was assumed.
    slippage_bps: Decimal | None

    @property
    def win_rate(self) -> Decimal | None:
        """Percent."""
        return Decimal(100) * self.wins / self.trades if self.trades else None

    @property
    def profit_factor(self) -> Decimal | None:
        return self.gross_profit / self.gross_loss if self.gross_loss else None

    @property
    def expectancy(self) -> Decimal | None:
        """Result per closed position."""
        return self.result / self.trades if self.trades else None


def by_day(scope: Scope) -> list[Day]:
    """Every day of the period, oldest first, days without a trade too."""
    position = ExecutionPosition
    date = sa.func.date(sa.func.timezone("UTC", position.closed_at))
    rows = db.session.execute(
        sa.select(
            date,
            sa.func.count(),
            sa.func.count().filter(position.realized_pnl > 0),
            sa.func.sum(position.realized_pnl),
            sa.func.sum(position.fees),
        )
        .where(*scope.closed())
        .group_by(date)
    ).all()
    found = {row[0]: Day(*row) for row in rows}
    first = scope.since.date()
    dates = [first + dt.timedelta(days=number) for number in range(scope.days)]
    return [found.get(date, Day(date, 0, 0, _ZERO, _ZERO)) for date in dates]


def total(scope: Scope) -> Result:
    """Everything in the scope together."""
    return _results(scope, sa.literal(""))[0]


def grouped(scope: Scope, group: GroupBy, limit: int = 50) -> list[Result]:
    """The `limit` busiest groups. Presets are those that the connections have now."""
    return summary(scope, group, limit)[1]


def summary(scope: Scope, group: GroupBy, limit: int = 50) -> tuple[Result, list[Result]]:
    """`total` and `grouped`, in one reading of the positions."""
    names: dict[GroupBy, sa.ColumnElement[str] | Any] = {
        GroupBy.CONNECTION: ExecutionPosition.connection_name,
        GroupBy.PRESET: sa.func.coalesce(TradingPreset.name, "Built-in defaults"),
        GroupBy.SYMBOL: ExecutionPosition.symbol,
        GroupBy.SOURCE: sa.func.coalesce(Signal.source, "unknown"),
    }
    whole, *rows = _results(scope, names[group])
    return whole, rows[:limit]


def _results(scope: Scope, name: Any) -> list[Result]:
    """Everything together first, without a name; then the groups, the busiest first."""
    trade = _trades(scope, name)
    pnl = trade.c.pnl
    rows = db.session.execute(
        sa.select(
            sa.func.coalesce(trade.c.name, ""),
            sa.func.count(trade.c.pnl),
            sa.func.count().filter(pnl > 0),
            sa.func.count().filter(pnl < 0),
            sa.func.coalesce(sa.func.sum(pnl), 0),
            sa.func.coalesce(sa.func.sum(pnl).filter(pnl > 0), 0),
            sa.func.coalesce(-sa.func.sum(pnl).filter(pnl < 0), 0),
            sa.func.coalesce(sa.func.sum(trade.c.fees), 0),
            sa.func.avg(trade.c.slippage_bps),
        )
        .group_by(sa.func.grouping_sets(sa.tuple_(), sa.tuple_(trade.c.name)))
        .order_by(sa.func.grouping(trade.c.name).desc(), sa.func.count().desc(), trade.c.name)
    ).all()
    return [Result(*row) for row in rows]


def _trades(scope: Scope, name: Any) -> sa.Subquery:
    """One row for each closed position: its group, its result, and how far its entry was from the price that
    was assumed. The entry is the first order that was filled, where a proof of absence led to a second."""
    position, entry = ExecutionPosition, Order
    worse = sa.case(
        (entry.side == Side.BUY, entry.average_price - entry.reference_price),
        else_=entry.reference_price - entry.average_price,
    )
    bps = (
        sa.select((worse / sa.func.nullif(entry.reference_price, 0) * 10_000).label("bps"))
        .where(
            entry.position_id == position.id,
            entry.role == OrderRole.ENTRY,
            entry.average_price.is_not(None),
        )
        .order_by(entry.id)
        .limit(1)
        .correlate(position)
        .lateral()
    )
    return (
        sa.select(
            name.label("name"),
            position.realized_pnl.label("pnl"),
            position.fees.label("fees"),
            bps.c.bps.label("slippage_bps"),
        )
        .select_from(position)
        .outerjoin(ExecutionConnection, ExecutionConnection.id == position.connection_id)
        .outerjoin(TradingPreset, TradingPreset.id == ExecutionConnection.preset_id)
        .outerjoin(Execution, Execution.id == position.execution_id)
        .outerjoin(Signal, Signal.id == Execution.signal_id)
        .outerjoin(bps, sa.true())
        .where(*scope.closed())
        .subquery()
    )


def added_up(days: Sequence[Day]) -> list[Decimal]:
    """The result so far, at the end of each day."""
    sums, so_far = [], _ZERO
    for day in days:
        so_far += day.result
        sums.append(so_far)
    return sums
