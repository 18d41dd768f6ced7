"""Every order ever intended. A row exists before anything is sent: no row, nothing was sent."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, JsonDict, enum_type
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.connection import ExecutionConnection
from portal.models.execution import Execution
from portal.models.position import ExecutionPosition
from portal.trading.instrument import unit_of
from portal.trading.types import OrderRole, OrderState, OrderType, PositionSide, Side, TimeInForce

#: May exist at the venue, but nobody has seen it yet: ask, never send again.
IN_DOUBT = (OrderState.IN_FLIGHT, OrderState.UNRESOLVED)
#: Known to rest at the venue.
RESTING = (OrderState.OPEN, OrderState.PARTIALLY_FILLED)
#: In doubt or resting: may still be filled.
LIVE = (*IN_DOUBT, *RESTING)
#: Taken by the venue, and over before all of it was filled.
CUT_SHORT = (OrderState.CANCELED, OrderState.EXPIRED)
#: Never at the venue: refused, or proved absent.
NEVER_THERE = (OrderState.REJECTED, OrderState.NOT_PLACED)
_IS_LIVE = "state IN ('in_flight', 'unresolved', 'open', 'partially_filled')"


class Order(Timestamps, Base):
    __tablename__ = "orders"
    __table_args__ = (
        # With the symbol: Binance, among others, counts order ids per market.
        sa.UniqueConstraint("connection_id", "symbol", "exchange_order_id"),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
        sa.Index(
            "ix_orders_live",
            "connection_id",
            "state",
            postgresql_where=sa.text(_IS_LIVE),
        ),
        sa.Index(
            "ix_orders_live_guards", "position_id", postgresql_where=sa.text(f"is_guard AND {_IS_LIVE}")
        ),
        sa.Index(
            "ix_orders_unsettled", "connection_id", postgresql_where=sa.text("next_query_at IS NOT NULL")
        ),
        sa.Index("ix_orders_entries", "connection_id", "sent_at", postgresql_where=sa.text("role = 'entry'")),
    )

    id: Mapped[IntPk]
    #: Names execution or position, leg and generation: `execution-42:entry:0`. One order for ever.
    intent_key: Mapped[str] = mapped_column(unique=True)
    #: Ours, sent to the venue; derived from `intent_key`.
    client_order_id: Mapped[str] = mapped_column(unique=True)
    execution_id: Mapped[int | None] = mapped_column(sa.ForeignKey("executions.id"), index=True)
    position_id: Mapped[int | None] = mapped_column(sa.ForeignKey("execution_positions.id"), index=True)
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"))
    role: Mapped[OrderRole] = mapped_column(enum_type(OrderRole))
    #: Protects a position: rests at the venue until a price is reached. Other exits are sent when it is.
    is_guard: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: Not sent by us: an order of the account's owner, or of the exchange, that closed a position of ours.
    is_external: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: Guards: the place of the target that it serves; empty for the stop.
    target_place: Mapped[int | None]
    #: How often this leg was tried before; each time only after proof of absence.
    generation: Mapped[int] = mapped_column(default=0)
    symbol: Mapped[str]
    side: Mapped[Side] = mapped_column(enum_type(Side))
    position_side: Mapped[PositionSide] = mapped_column(enum_type(PositionSide))
    order_type: Mapped[OrderType] = mapped_column(enum_type(OrderType))
    time_in_force: Mapped[TimeInForce] = mapped_column(enum_type(TimeInForce))
    #: Base currency on spot, contracts on swaps.
    quantity: Mapped[Decimal]
    price: Mapped[Decimal | None]
    trigger_price: Mapped[Decimal | None]
    reduce_only: Mapped[bool] = mapped_column(default=False)
    #: The frozen request, all of it; what the adapter was given.
    payload: Mapped[JsonDict] = mapped_column(JSONB)
    state: Mapped[OrderState] = mapped_column(enum_type(OrderState), default=OrderState.IN_FLIGHT)
    #: The venue's id.
    exchange_order_id: Mapped[str | None] = mapped_column(index=True)
    #: The venue's id of the order that this one became when it triggered, where that is another.
    working_order_id: Mapped[str | None]
    #: Sum of the fills, or the venue's word until they arrive.
    filled_quantity: Mapped[Decimal] = mapped_column(default=Decimal(0))
    average_price: Mapped[Decimal | None]
    #: Price that sizing assumed, for slippage figures.
    reference_price: Mapped[Decimal | None]
    #: Entries: what it was meant to be worth, in quote currency. Limits per day add it up.
    notional: Mapped[Decimal | None]
    #: When the intent was committed; the request's own timestamp where the venue allows it.
    sent_at: Mapped[datetime]
    #: After this moment the venue refuses the request, and so do we.
    not_after: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    #: Guards: when it was last read back from the venue, resting as it was meant.
    proved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    venue_code: Mapped[str | None]
    #: When the venue is asked about it next (in doubt or resting).
    next_query_at: Mapped[datetime | None] = mapped_column(index=True)
    #: When somebody was told that it stays unresolved; empty = not yet, or it was settled before.
    doubt_told_at: Mapped[datetime | None]
    #: How often it was asked while in doubt.
    queries: Mapped[int] = mapped_column(default=0)
    #: "Not found" answers that count as proof, and the kinds of endpoint that gave the last of them.
    absent_answers: Mapped[int] = mapped_column(default=0)
    absent_from: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)
    last_absent_at: Mapped[datetime | None]
    #: Fills of this order were read completely.
    fills_complete: Mapped[bool] = mapped_column(default=False)

    connection: Mapped[ExecutionConnection | None] = relationship()
    execution: Mapped[Execution | None] = relationship()
    #: To read only: `position_id` is what is written.
    position: Mapped[ExecutionPosition | None] = relationship(viewonly=True)

    @property
    def unit(self) -> str:
        """What its quantity counts: the base currency, or contracts."""
        pair, _, is_contract = self.symbol.partition(":")
        if not is_contract:
            return pair.partition("/")[0]
        market = self.payload.get("instrument")
        if market is not None:
            return unit_of(market["base"], Decimal(market["contract_size"]), linear=market["linear"])
        return self.position.unit if self.position is not None else "contracts"


class Fill(Base):
    __tablename__ = "fills"
    __table_args__ = (
        sa.UniqueConstraint("connection_id", "symbol", "exchange_fill_id"),
        sa.CheckConstraint("quantity > 0", name="quantity_positive"),
    )

    id: Mapped[IntPk]
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"))
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("orders.id"), index=True)
    position_id: Mapped[int | None] = mapped_column(sa.ForeignKey("execution_positions.id"), index=True)
    #: The venue's own id; the key that makes a repeated report harmless.
    exchange_fill_id: Mapped[str]
    exchange_order_id: Mapped[str]
    symbol: Mapped[str]
    side: Mapped[Side] = mapped_column(enum_type(Side))
    quantity: Mapped[Decimal]
    price: Mapped[Decimal]
    #: [{"currency", "cost"}], costs as strings.
    fees: Mapped[list[JsonDict]] = mapped_column(JSONB, default=list)
    is_maker: Mapped[bool | None]
    filled_at: Mapped[datetime]
