"""The nightly figures of every connection. An upsert per (connection, day): a second run gives the same
row."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, end_read, transaction, utcnow
from portal.models import Execution, ExecutionAnalytics, ExecutionConnection, ExecutionPosition, Order
from portal.models.position import HELD
from portal.trading.statistics import ClosedTrade, Statistics, max_drawdown, sharpe, sortino, summarize
from portal.trading.statistics import daily_returns as returns_of
from portal.trading.types import OrderRole, Side

#: Sharpe, Sortino and drawdown look back this far.
WINDOW_DAYS = 30
_ZERO = Decimal(0)
_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day, as instants."""

    date: dt.date

    @property
    def start(self) -> dt.datetime:
        return dt.datetime.combine(self.date, dt.time(), dt.UTC)

    @property
    def end(self) -> dt.datetime:
        return self.start + dt.timedelta(days=1)


def update_analytics(date: dt.date | None = None) -> int:
    """Write the figures of `date` (yesterday in UTC when not given) for every connection. Returns how many
    rows.

    Commits one connection at a time; may be repeated, for any day, with the same result."""
    day = Day(date or utcnow().date() - dt.timedelta(days=1))
    ids = list(
        db.session.execute(sa.select(ExecutionConnection.id).order_by(ExecutionConnection.id)).scalars()
    )
    end_read()
    for connection_id in ids:
        with transaction() as session:
            connection = session.get(ExecutionConnection, connection_id)
            if connection is not None:
                _write(connection, day)
    return len(ids)


def _write(connection: ExecutionConnection, day: Day) -> None:
    figures = summarize(_trades(connection.id, day), latencies_ms=_latencies(connection.id, day))
    balance = _number(connection.last_balance, "total")
    equity = None if balance is None else balance + _unrealized(connection.id)
    curve = _equity_before(connection.id, day) + ([equity] if equity is not None else [])
    returns = returns_of(curve)
    values = {
        "connection_name": connection.name,
        "owner_id": connection.owner_id,
        **_columns(figures),
        "sharpe": sharpe(returns),
        "sortino": sortino(returns),
        "max_drawdown": _percent(max_drawdown(curve)),
        "balance": balance,
        "equity": equity,
        "currency": (connection.last_balance or {}).get("currency"),
        "updated_at": utcnow(),
    }
    statement = insert(ExecutionAnalytics).values(
        connection_id=connection.id, date=day.date, created_at=utcnow(), **values
    )
    db.session.execute(statement.on_conflict_do_update(index_elements=["connection_id", "date"], set_=values))


def _columns(figures: Statistics) -> dict[str, object]:
    latency = {p: int(value) for p, value in figures.latency_ms.items()}
    return {
        "trades": figures.trades,
        "wins": figures.wins,
        "losses": figures.losses,
        "win_rate": _percent(figures.win_rate),
        "profit_factor": figures.profit_factor,
        "expectancy": figures.expectancy,
        "average_win": figures.average_win,
        "average_loss": figures.average_loss,
        "realized_pnl": figures.net_pnl,
        "fees": figures.fees,
        "slippage_bps": figures.slippage_bps,
        "latency_p50_ms": latency.get(50),
        "latency_p90_ms": latency.get(90),
        "latency_p99_ms": latency.get(99),
    }


def _trades(connection_id: int, day: Day) -> Sequence[ClosedTrade]:
    rows = db.session.execute(
        sa.select(
            ExecutionPosition.realized_pnl,
            ExecutionPosition.fees,
            Order.side,
            Order.average_price,
            Order.reference_price,
        )
        .join(
            Order,
            sa.and_(Order.position_id == ExecutionPosition.id, Order.role == OrderRole.ENTRY),
            isouter=True,
        )
        .where(
            ExecutionPosition.connection_id == connection_id,
            ExecutionPosition.closed_at >= day.start,
            ExecutionPosition.closed_at < day.end,
        )
        .order_by(ExecutionPosition.closed_at, ExecutionPosition.id)
    )
    return [
        ClosedTrade(pnl, fees, _slippage_bps(side, filled, expected))
        for pnl, fees, side, filled, expected in rows
    ]


def _slippage_bps(side: Side | None, filled: Decimal | None, expected: Decimal | None) -> Decimal | None:
    """How much worse than the reference price the entry was filled, in basis points."""
    if side is None or not filled or not expected:
        return None
    worse = filled - expected if side is Side.BUY else expected - filled
    return worse / expected * 10_000


def _latencies(connection_id: int, day: Day) -> list[Decimal]:
    """Milliseconds from the publication to the venue's answer."""
    elapsed = sa.func.extract("epoch", Execution.answered_at - Execution.created_at) * 1000
    rows = db.session.execute(
        sa.select(elapsed).where(
            Execution.connection_id == connection_id,
            Execution.answered_at >= day.start,
            Execution.answered_at < day.end,
        )
    ).scalars()
    return [Decimal(value) for value in rows]


def _unrealized(connection_id: int) -> Decimal:
    total = sa.func.coalesce(sa.func.sum(ExecutionPosition.unrealized_pnl), 0)
    return Decimal(
        db.session.execute(
            sa.select(total).where(
                ExecutionPosition.connection_id == connection_id, ExecutionPosition.status.in_(HELD)
            )
        ).scalar_one()
    )


def _equity_before(connection_id: int, day: Day) -> list[Decimal]:
    rows = db.session.execute(
        sa.select(ExecutionAnalytics.equity)
        .where(
            ExecutionAnalytics.connection_id == connection_id,
            ExecutionAnalytics.date < day.date,
            ExecutionAnalytics.date >= day.date - dt.timedelta(days=WINDOW_DAYS),
            ExecutionAnalytics.equity.is_not(None),
        )
        .order_by(ExecutionAnalytics.date)
    ).scalars()
    return [value for value in rows if value is not None]


def _number(balance: dict[str, str] | None, key: str) -> Decimal | None:
    return Decimal(balance[key]) if balance and key in balance else None


def _percent(fraction: Decimal | None) -> Decimal | None:
    return None if fraction is None else fraction * _PERCENT
