"""The nightly figures of one connection."""

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.connection import ExecutionConnection


class ExecutionAnalytics(Timestamps, Base):
    __tablename__ = "execution_analytics"
    __table_args__ = (
        sa.UniqueConstraint("connection_id", "date"),
        sa.Index("ix_execution_analytics_date", "date"),
    )

    id: Mapped[IntPk]
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"))
    owner_id: Mapped[int | None] = mapped_column(foreign_key("users.id"), index=True)
    connection_name: Mapped[str]
    #: The UTC day.
    date: Mapped[dt.date] = mapped_column(sa.Date)
    #: Positions closed that day.
    trades: Mapped[int] = mapped_column(default=0)
    wins: Mapped[int] = mapped_column(default=0)
    losses: Mapped[int] = mapped_column(default=0)
    #: Percent of closed positions; empty without trades.
    win_rate: Mapped[Decimal | None]
    #: Gross profit over gross loss; empty without a loss.
    profit_factor: Mapped[Decimal | None]
    expectancy: Mapped[Decimal | None]
    average_win: Mapped[Decimal | None]
    average_loss: Mapped[Decimal | None]
    #: Over the last 30 days of daily results.
    sharpe: Mapped[Decimal | None]
    sortino: Mapped[Decimal | None]
    #: Percent, over the last 30 days.
    max_drawdown: Mapped[Decimal | None]
    #: Net of fees and funding, in the settlement currency.
    realized_pnl: Mapped[Decimal] = mapped_column(default=Decimal(0))
    fees: Mapped[Decimal] = mapped_column(default=Decimal(0))
    #: Mean of entry orders, positive = worse than the reference price.
    slippage_bps: Mapped[Decimal | None]
    latency_p50_ms: Mapped[int | None]
    latency_p90_ms: Mapped[int | None]
    latency_p99_ms: Mapped[int | None]
    balance: Mapped[Decimal | None]
    equity: Mapped[Decimal | None]
    currency: Mapped[str | None]

    connection: Mapped[ExecutionConnection | None] = relationship()
