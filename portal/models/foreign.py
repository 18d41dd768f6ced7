"""What a venue shows on an account that is not ours: listed and told, never traded."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, enum_type
from portal.models.base import IntPk, foreign_key
from portal.models.connection import ExecutionConnection
from portal.trading.types import ForeignKind, Side

_THERE = "gone_at IS NULL"


class ForeignHolding(Base):
    __tablename__ = "foreign_holdings"
    __table_args__ = (
        sa.Index(
            "uq_foreign_holdings_there",
            "connection_id",
            "kind",
            "symbol",
            "side",
            "exchange_order_id",
            unique=True,
            postgresql_where=sa.text(_THERE),
        ),
        sa.Index("ix_foreign_holdings_owner", "owner_id", "id"),
    )

    id: Mapped[IntPk]
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"))
    owner_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    connection_name: Mapped[str]
    kind: Mapped[ForeignKind] = mapped_column(enum_type(ForeignKind))
    symbol: Mapped[str]
    #: Of the order; of a position, the side that opened it.
    side: Mapped[Side] = mapped_column(enum_type(Side))
    #: Contracts on swaps, base currency on spot; of a position only what is beyond ours.
    quantity: Mapped[Decimal]
    #: Orders: the price at which it acts. Positions: the average entry.
    price: Mapped[Decimal | None]
    #: The venue's id; empty for positions.
    exchange_order_id: Mapped[str] = mapped_column(default="")
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    #: When the venue no longer showed it.
    gone_at: Mapped[datetime | None]

    connection: Mapped[ExecutionConnection | None] = relationship()

    @property
    def unit(self) -> str:
        """What its quantity counts: the base currency, or contracts."""
        return "contracts" if ":" in self.symbol else self.symbol.partition("/")[0]
