"""Markets whose price could not be acted on at the last check, and who was told of it."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, enum_type, utcnow
from portal.models.base import IntPk
from portal.trading.price_sanity import Doubt


class MarketDoubt(Base):
    """One market without a usable price. The row goes with the next good price."""

    __tablename__ = "market_doubts"
    __table_args__ = (sa.UniqueConstraint("exchange_name", "symbol"),)

    id: Mapped[IntPk]
    exchange_name: Mapped[str]
    symbol: Mapped[str]
    doubt: Mapped[Doubt] = mapped_column(enum_type(Doubt))
    #: What was read; empty when nothing was.
    price: Mapped[Decimal | None]
    #: The order book, read by itself, showed that price too.
    in_the_book: Mapped[bool] = mapped_column(default=False)
    #: When the last check saw it.
    seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: Since when there is no usable price.
    since: Mapped[datetime] = mapped_column(default=utcnow)


class PriceAlarm(Base):
    """One owner was told that prices of one exchange cannot be used. The row goes when they can again."""

    __tablename__ = "price_alarms"
    __table_args__ = (sa.UniqueConstraint("exchange_name", "owner_key"),)

    id: Mapped[IntPk]
    exchange_name: Mapped[str]
    #: The owner's id; 0 = nobody's positions, which administrators are told of.
    owner_key: Mapped[int] = mapped_column(sa.BigInteger)
    raised_at: Mapped[datetime] = mapped_column(default=utcnow)
