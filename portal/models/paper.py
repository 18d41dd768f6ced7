"""The ledger of paper accounts: what a real venue would keep about us. Written by `services.paper_ledger`
alone; the portal's own orders and fills are in `order`, as for any other venue."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, enum_type
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.trading.types import OrderState, OrderType, PositionMode, Side, TimeInForce

_LIVE = "state IN ('open', 'partially_filled')"


class PaperAccountRow(Timestamps, Base):
    """One paper account; its row lock makes the account change one step at a time."""

    __tablename__ = "paper_accounts"

    id: Mapped[IntPk]
    #: The connection that trades on it; empty once that is deleted.
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"), unique=True)
    position_mode: Mapped[PositionMode] = mapped_column(enum_type(PositionMode), default=PositionMode.ONE_WAY)
    #: How many orders were accepted.
    last_number: Mapped[int] = mapped_column(sa.BigInteger, default=0)


class PaperBalanceRow(Base):
    """What one paper account has of one currency, reservations and margins included."""

    __tablename__ = "paper_balances"
    __table_args__ = (sa.UniqueConstraint("account_id", "currency"),)

    id: Mapped[IntPk]
    account_id: Mapped[int] = mapped_column(foreign_key("paper_accounts.id", cascade=True))
    currency: Mapped[str]
    total: Mapped[Decimal]


class PaperOrderRow(Base):
    """One accepted order, for ever: its client order id is never accepted again."""

    __tablename__ = "paper_orders"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "number"),
        sa.UniqueConstraint("account_id", "client_order_id"),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.CheckConstraint("filled_quantity BETWEEN 0 AND quantity", name="filled_within_quantity"),
        sa.Index("ix_paper_orders_live", "account_id", postgresql_where=sa.text(_LIVE)),
    )

    id: Mapped[IntPk]
    account_id: Mapped[int] = mapped_column(foreign_key("paper_accounts.id", cascade=True))
    #: Counts the account's orders; what the exchange order id is made of.
    number: Mapped[int] = mapped_column(sa.BigInteger)
    client_order_id: Mapped[str]
    symbol: Mapped[str]
    #: Which position it is about: `net`, or `long` and `short` in hedge mode.
    bucket: Mapped[str]
    side: Mapped[Side] = mapped_column(enum_type(Side))
    order_type: Mapped[OrderType] = mapped_column(enum_type(OrderType))
    time_in_force: Mapped[TimeInForce] = mapped_column(enum_type(TimeInForce))
    quantity: Mapped[Decimal]
    price: Mapped[Decimal | None]
    trigger_price: Mapped[Decimal | None]
    reduce_only: Mapped[bool]
    placed_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    state: Mapped[OrderState] = mapped_column(enum_type(OrderState))
    filled_quantity: Mapped[Decimal]
    #: Sum of quantity times price over its fills.
    filled_value: Mapped[Decimal]
    fill_count: Mapped[int]
    reserved_currency: Mapped[str]
    #: Held back from the free balance while it rests.
    reserved: Mapped[Decimal]
    triggered_at: Mapped[datetime | None]
    #: When the market took something of it last.
    matched_at: Mapped[datetime | None]


class PaperFillRow(Base):
    """One simulated trade, keyed by order and sequence."""

    __tablename__ = "paper_fills"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "order_number", "sequence"),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.Index("ix_paper_fills_recent", "account_id", "symbol", "filled_at"),
    )

    id: Mapped[IntPk]
    account_id: Mapped[int] = mapped_column(foreign_key("paper_accounts.id", cascade=True))
    order_number: Mapped[int] = mapped_column(sa.BigInteger)
    #: Counts the fills of the order.
    sequence: Mapped[int]
    symbol: Mapped[str]
    side: Mapped[Side] = mapped_column(enum_type(Side))
    quantity: Mapped[Decimal]
    price: Mapped[Decimal]
    fee_currency: Mapped[str]
    fee: Mapped[Decimal]
    is_maker: Mapped[bool]
    filled_at: Mapped[datetime]


class PaperPositionRow(Base):
    """A linear swap position; kept when flat, for its leverage."""

    __tablename__ = "paper_positions"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "symbol", "bucket"),
        sa.CheckConstraint("bucket IN ('net', 'long', 'short')", name="known_bucket"),
    )

    id: Mapped[IntPk]
    account_id: Mapped[int] = mapped_column(foreign_key("paper_accounts.id", cascade=True))
    symbol: Mapped[str]
    bucket: Mapped[str]
    settle: Mapped[str]
    contract_size: Mapped[Decimal]
    #: Contracts; negative when short.
    quantity: Mapped[Decimal]
    #: What it was entered for.
    cost: Mapped[Decimal]
    leverage: Mapped[Decimal]
