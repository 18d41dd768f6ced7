"""One exposure on one connection, opened by one execution and watched until it is closed."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, JsonDict, enum_type
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.connection import ExecutionConnection
from portal.trading.instrument import unit_of
from portal.trading.types import (
    ClosedReason,
    MarketType,
    PositionSide,
    PositionStatus,
    Protection,
    WhenUnprotected,
)

#: Something is held, or may be.
HELD = (PositionStatus.OPEN, PositionStatus.CLOSING)
#: Nothing is held any more.
OVER = (PositionStatus.CLOSED, PositionStatus.LIQUIDATED)


class ExecutionPosition(Timestamps, Base):
    __tablename__ = "execution_positions"
    __table_args__ = (
        sa.Index(
            "ix_execution_positions_live",
            "connection_id",
            "symbol",
            postgresql_where=sa.text("status IN ('open', 'closing')"),
        ),
        sa.Index("ix_execution_positions_owner", "owner_id", "id"),
        sa.Index("ix_execution_positions_closed_at", "closed_at"),
        sa.CheckConstraint("quantity >= 0", name="quantity_not_negative"),
    )

    id: Mapped[IntPk]
    #: The execution that opened it; one position each.
    execution_id: Mapped[int | None] = mapped_column(sa.ForeignKey("executions.id"), unique=True)
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"))
    owner_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    connection_name: Mapped[str]
    #: Where its price is read.
    exchange_name: Mapped[str]
    currency_pair: Mapped[str]
    #: ccxt's unified symbol.
    symbol: Mapped[str]
    market_type: Mapped[MarketType] = mapped_column(enum_type(MarketType))
    position_side: Mapped[PositionSide] = mapped_column(enum_type(PositionSide))
    base: Mapped[str]
    quote: Mapped[str]
    settle: Mapped[str]
    contract_size: Mapped[Decimal] = mapped_column(default=Decimal(1))
    linear: Mapped[bool] = mapped_column(default=True)
    #: Rules of the market when the position was opened.
    tick_size: Mapped[Decimal]
    lot_size: Mapped[Decimal]
    min_quantity: Mapped[Decimal | None]
    #: Held now, from fills, net of base-currency fees.
    quantity: Mapped[Decimal] = mapped_column(default=Decimal(0))
    #: Bought (or sold short) in total, net of base-currency fees.
    entry_quantity: Mapped[Decimal] = mapped_column(default=Decimal(0))
    average_entry_price: Mapped[Decimal | None]
    average_exit_price: Mapped[Decimal | None]
    mark_price: Mapped[Decimal | None]
    marked_at: Mapped[datetime | None]
    #: In settlement currency, net of fees and funding.
    unrealized_pnl: Mapped[Decimal] = mapped_column(default=Decimal(0))
    #: In settlement currency, net of fees and funding.
    realized_pnl: Mapped[Decimal] = mapped_column(default=Decimal(0))
    #: Fees paid so far, in settlement currency.
    fees: Mapped[Decimal] = mapped_column(default=Decimal(0))
    funding: Mapped[Decimal] = mapped_column(default=Decimal(0))
    #: Too small to be sold; booked when the position closes.
    dust_quantity: Mapped[Decimal] = mapped_column(default=Decimal(0))
    #: Gone from the exchange without a trade that says how: the books and the fills disagree by this much.
    unexplained_quantity: Mapped[Decimal] = mapped_column(default=Decimal(0), server_default="0")
    sl_price: Mapped[Decimal | None]
    #: The stop as it was at the entry: the unit of risk (R).
    initial_sl_price: Mapped[Decimal | None]
    #: [{"price", "close_fraction", "done"}], prices as strings.
    tp_prices: Mapped[list[JsonDict]] = mapped_column(JSONB, default=list)
    #: Price of the nearest target that is not done, for the bulk check.
    next_tp_price: Mapped[Decimal | None]
    break_even_at_r: Mapped[Decimal | None]
    trailing_stop_percent: Mapped[Decimal | None]
    trailing_activation_percent: Mapped[Decimal | None]
    #: Instead of the percentages: distances in quote currency.
    trailing_stop_distance: Mapped[Decimal | None]
    trailing_activation_distance: Mapped[Decimal | None]
    #: Best mark price since the entry, for the trailing stop.
    best_price: Mapped[Decimal | None]
    #: The trailing stop moved `sl_price` last.
    trailed: Mapped[bool] = mapped_column(default=False)
    protection: Mapped[Protection] = mapped_column(enum_type(Protection), default=Protection.LOCAL)
    #: Why it is protected as it is, for people.
    protection_note: Mapped[str] = mapped_column(default="", server_default="")
    #: When protection was last proved, or found to be ours to give.
    protection_checked_at: Mapped[datetime | None]
    #: Since when the guards are not proved to match what is held; empty when nothing is to be done.
    protection_due_since: Mapped[datetime | None]
    #: When the owner was told that nothing is proved; empty once it is.
    unprotected_told_at: Mapped[datetime | None]
    #: The preset's word for that case, when the position was opened.
    when_unprotected: Mapped[WhenUnprotected] = mapped_column(
        enum_type(WhenUnprotected), default=WhenUnprotected.ALERT, server_default="alert"
    )
    #: Counts looks that placed guards; part of their keys, so that one look places once.
    guard_version: Mapped[int] = mapped_column(default=0, server_default="0")
    #: Guards refused in a row.
    guard_failures: Mapped[int] = mapped_column(default=0, server_default="0")
    #: No guard is placed before this moment, after a refusal.
    next_guard_at: Mapped[datetime | None]
    #: Since when the price is at an exit that rests at the venue and has not been seen to fill.
    exit_reached_at: Mapped[datetime | None]
    status: Mapped[PositionStatus] = mapped_column(enum_type(PositionStatus), default=PositionStatus.OPEN)
    #: Counts close intents; part of their key, so that one version closes once.
    version: Mapped[int] = mapped_column(default=0)
    #: Why a close was asked for; what to close (empty quantity = all); which targets it serves.
    close_reason: Mapped[ClosedReason | None] = mapped_column(enum_type(ClosedReason, "close_reason"))
    close_quantity: Mapped[Decimal | None]
    close_targets: Mapped[list[int]] = mapped_column(ARRAY(sa.Integer), default=list)
    close_requested_at: Mapped[datetime | None]
    #: The signal execution that asked for the close.
    close_execution_id: Mapped[int | None] = mapped_column(sa.ForeignKey("executions.id"))
    #: Not before this moment, after a close that was not placed.
    next_close_at: Mapped[datetime | None]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_reason: Mapped[ClosedReason | None] = mapped_column(enum_type(ClosedReason))

    connection: Mapped[ExecutionConnection | None] = relationship()

    @property
    def unit(self) -> str:
        """What its quantity counts: the base currency, or contracts."""
        return unit_of(self.base, self.contract_size, linear=self.linear)

    @property
    def trails(self) -> bool:
        """Whether its stop follows the best price."""
        return self.trailing_stop_percent is not None or self.trailing_stop_distance is not None

    @property
    def tp_price(self) -> list[str]:
        """The target prices as strings."""
        return [str(target["price"]) for target in self.tp_prices]
