"""Where prices come from, apart from where orders go."""

from datetime import datetime

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, JsonDict, enum_type
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.secret import SecretMixin
from portal.trading.types import ConnectionStatus


class DataConnection(SecretMixin, Timestamps, Base):
    __tablename__ = "data_connections"

    id: Mapped[IntPk]
    #: Who may use it; empty for everybody.
    user_id: Mapped[int | None] = mapped_column(foreign_key("users.id"), index=True)
    name: Mapped[str]
    #: A ccxt exchange id whose public prices are read.
    provider: Mapped[str]
    settings: Mapped[JsonDict] = mapped_column(JSONB, default=dict)
    is_active: Mapped[bool] = mapped_column(default=True)
    status: Mapped[ConnectionStatus] = mapped_column(
        enum_type(ConnectionStatus), default=ConnectionStatus.ACTIVE
    )
    last_error: Mapped[str | None]
    last_tested_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return self.name
