"""A signal: what somebody wants every eligible account to do."""

from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, enum_type
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.plan import Plan, plan_signals
from portal.models.user import User
from portal.trading.types import MarketType, OrderType, Side, SignalAction, TimeInForce


class Signal(Timestamps, Base):
    __tablename__ = "signals"
    __table_args__ = (
        sa.UniqueConstraint("author_id", "dedupe_key"),
        sa.Index("ix_signals_published_at", "published_at"),
        sa.CheckConstraint("is_published = (published_at IS NOT NULL)", name="published_has_time"),
        sa.CheckConstraint("is_published = (publish_sequence IS NOT NULL)", name="published_has_sequence"),
    )

    id: Mapped[IntPk]
    #: `BTC/USDT`; `BTC/USDT:USDT` names one derivative market exactly.
    currency_pair: Mapped[str] = mapped_column(index=True)
    direction: Mapped[Side] = mapped_column(enum_type(Side))
    action: Mapped[SignalAction] = mapped_column(enum_type(SignalAction), default=SignalAction.OPEN)
    #: Empty = the preset decides.
    order_type: Mapped[OrderType | None] = mapped_column(enum_type(OrderType))
    time_in_force: Mapped[TimeInForce | None] = mapped_column(enum_type(TimeInForce))
    #: Limit or trigger price; for market orders the price the sender saw.
    open_price: Mapped[Decimal | None]
    sl: Mapped[Decimal | None]
    #: Up to three target prices.
    tp: Mapped[list[Decimal]] = mapped_column(ARRAY(sa.Numeric(38, 18)), default=list)
    #: Empty = the preset decides.
    market_type: Mapped[MarketType | None] = mapped_column(enum_type(MarketType))
    expires_at: Mapped[datetime | None]
    #: `api`, `webhook`, `admin` or `demo`.
    source: Mapped[str] = mapped_column(default="admin")
    #: The sender's key; unique per author, so that a repeat is the same signal.
    dedupe_key: Mapped[str | None]
    #: Hash of what was asked, to tell a repeat from a conflict.
    content_hash: Mapped[str] = mapped_column(default="")
    is_published: Mapped[bool] = mapped_column(default=False)
    published_at: Mapped[datetime | None]
    #: Order of publication across the installation; executions on one account and symbol keep it.
    publish_sequence: Mapped[int | None] = mapped_column(sa.BigInteger, unique=True)
    author_id: Mapped[int | None] = mapped_column(foreign_key("users.id"), index=True)
    #: Free text for people.
    note: Mapped[str] = mapped_column(default="")

    author: Mapped[User | None] = relationship()
    plans: Mapped[list[Plan]] = relationship(secondary=plan_signals, passive_deletes=True)

    def __str__(self) -> str:
        return f"#{self.id} {self.direction} {self.currency_pair}"


publish_sequence = sa.Sequence("signals_publish_seq", metadata=Base.metadata)
