"""The switches that stop trading, by scope."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, enum_type, utcnow
from portal.models.base import IntPk
from portal.trading.types import TradingStateValue

SCOPES = ("everything", "user", "exchange", "connection", "symbol")


class TradingState(Base):
    __tablename__ = "trading_states"
    __table_args__ = (
        sa.UniqueConstraint("scope", "key"),
        sa.CheckConstraint(
            "scope IN ('everything', 'user', 'exchange', 'connection', 'symbol')", name="known_scope"
        ),
    )

    id: Mapped[IntPk]
    #: One of `SCOPES`.
    scope: Mapped[str]
    #: User id, exchange name, connection id or symbol; empty for `everything`.
    key: Mapped[str] = mapped_column(default="")
    state: Mapped[TradingStateValue] = mapped_column(enum_type(TradingStateValue))
    #: Why, in the words of who set it.
    reason: Mapped[str] = mapped_column(default="")
    set_by: Mapped[str] = mapped_column(default="")
    set_at: Mapped[datetime] = mapped_column(default=utcnow)
