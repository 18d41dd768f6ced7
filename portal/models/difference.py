"""A shortage at a venue that was seen once and waits to be confirmed by a second look."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, enum_type
from portal.models.base import IntPk, foreign_key
from portal.trading.types import MarketType, PositionSide


class BookDifference(Base):
    __tablename__ = "book_differences"
    __table_args__ = (sa.UniqueConstraint("connection_id", "market_type", "name", "position_side"),)

    id: Mapped[IntPk]
    connection_id: Mapped[int] = mapped_column(foreign_key("execution_connections.id", cascade=True))
    market_type: Mapped[MarketType] = mapped_column(enum_type(MarketType))
    #: The symbol on swaps, the base currency on spot.
    name: Mapped[str]
    position_side: Mapped[PositionSide] = mapped_column(enum_type(PositionSide))
    #: What our books said, and what the venue showed.
    booked: Mapped[Decimal]
    seen: Mapped[Decimal]
    #: Names the state of our books at that time; another state starts anew.
    books: Mapped[str]
    seen_at: Mapped[datetime]
