"""A user's account at an exchange or broker."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.db import Base, JsonDict, enum_type, utcnow
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.data_connection import DataConnection
from portal.models.preset import TradingPreset
from portal.models.secret import SecretMixin
from portal.models.user import User
from portal.trading.types import ConnectionMode, ConnectionStatus, ConnectionType, MarginMode, PositionMode


class ExecutionConnection(SecretMixin, Timestamps, Base):
    __tablename__ = "execution_connections"
    __table_args__ = (
        sa.CheckConstraint("is_admin_owned = (admin_id IS NOT NULL)", name="one_kind_of_owner"),
        sa.UniqueConstraint("user_id", "name"),
    )

    id: Mapped[IntPk]
    #: The trader who owns it; empty for admin-owned ones.
    user_id: Mapped[int | None] = mapped_column(foreign_key("users.id"), index=True)
    #: The administrator who owns it; set exactly when `is_admin_owned`.
    admin_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id", ondelete="RESTRICT"), index=True)
    #: The owner's name for the account.
    name: Mapped[str]
    type: Mapped[ConnectionType] = mapped_column(enum_type(ConnectionType), default=ConnectionType.CRYPTO)
    #: ccxt's id, or one of our own (`sandbox`, `sandboxusdm`).
    exchange_name: Mapped[str]
    #: `paper` can never reach a real order endpoint; `live` needs PORTAL_LIVE_TRADING.
    mode: Mapped[ConnectionMode] = mapped_column(enum_type(ConnectionMode), default=ConnectionMode.PAPER)
    status: Mapped[ConnectionStatus] = mapped_column(
        enum_type(ConnectionStatus), default=ConnectionStatus.ACTIVE, index=True
    )
    #: The owner's switch.
    is_active: Mapped[bool] = mapped_column(default=True)
    #: Admin-owned connections execute every published signal.
    is_admin_owned: Mapped[bool] = mapped_column(default=False)
    #: Why it is in `error`, scrubbed.
    last_error: Mapped[str | None]
    last_tested_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_connected_at: Mapped[datetime | None]
    #: Per-account options of the adapter; never secrets.
    settings: Mapped[JsonDict] = mapped_column(JSONB, default=dict)
    preset_id: Mapped[int | None] = mapped_column(foreign_key("trading_presets.id"), index=True)
    data_connection_id: Mapped[int | None] = mapped_column(foreign_key("data_connections.id"))
    #: Key facts learnt by the last test (permissions, IP binding, expiry…), for people.
    facts: Mapped[JsonDict] = mapped_column(JSONB, default=dict)
    #: When the venue last said what the key may do; empty means that it must be asked.
    facts_at: Mapped[datetime | None]
    #: An administrator's permission to use a key that can withdraw: `reason`, `by`, `at`. Ends with the key.
    withdrawal_override: Mapped[JsonDict | None] = mapped_column(JSONB)
    #: What the owner was warned of already, so that each warning comes once.
    warned: Mapped[JsonDict] = mapped_column(JSONB, default=dict, server_default="{}")
    #: How the venue nets positions of this account.
    position_mode: Mapped[PositionMode] = mapped_column(enum_type(PositionMode), default=PositionMode.ONE_WAY)
    margin_mode: Mapped[MarginMode | None] = mapped_column(enum_type(MarginMode))
    #: Day after which the key stops working, when the venue says.
    key_expires_at: Mapped[datetime | None]
    clock_offset_ms: Mapped[int | None]
    #: When our books were last compared with the exchange; empty until that was done since the start.
    reconciled_at: Mapped[datetime | None] = mapped_column(index=True)
    #: The kinds of markets that were compared then.
    reconciled_markets: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list, server_default="{}")
    #: What cannot be compared here, or could not the last time, for people.
    reconcile_note: Mapped[str] = mapped_column(default="", server_default="")
    #: Last balance seen, for analytics: settlement currency, free and total as strings.
    last_balance: Mapped[JsonDict | None] = mapped_column(JSONB)

    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    admin: Mapped[User | None] = relationship(foreign_keys=[admin_id])
    preset: Mapped[TradingPreset | None] = relationship()
    # Loaded along (only where there is one): adapters are opened when no session may be used any more.
    data_connection: Mapped[DataConnection | None] = relationship(lazy="selectin")

    @property
    def owner_id(self) -> int | None:
        return self.admin_id if self.is_admin_owned else self.user_id

    def has_preset(self) -> bool:
        return self.preset_id is not None

    def has_data_connection(self) -> bool:
        return self.data_connection_id is not None

    def can_execute_trades(self) -> bool:
        """Active, healthy and switched on. Trading state (halts) is checked at the last gate, in
        `services`."""
        return self.is_active and self.status is ConnectionStatus.ACTIVE

    @validates("is_active", "credentials")
    def _compare_anew(self, name: str, value: object) -> object:
        """Whoever switched it off or changed the key may have traded meanwhile."""
        if value != getattr(self, name):
            self.reconciled_at = None
        return value

    def mark_as_active(self) -> None:
        if self.has_error():
            self.reconciled_at = None
        self.status = ConnectionStatus.ACTIVE
        self.last_error = None

    def mark_as_error(self, message: str) -> None:
        self.status = ConnectionStatus.ERROR
        self.last_error = message

    def update_last_connected(self) -> None:
        self.last_connected_at = utcnow()

    def update_last_used(self) -> None:
        self.last_used_at = utcnow()

    def is_stale(self, hours: int = 24) -> bool:
        """True when the account was neither used nor reached for `hours`."""
        seen = max(
            filter(None, (self.last_connected_at, self.last_used_at, self.last_tested_at)), default=None
        )
        return seen is None or utcnow() - seen > timedelta(hours=hours)

    def has_error(self) -> bool:
        return self.status is ConnectionStatus.ERROR

    def get_health_status(self) -> str:
        """One of `inactive`, `error`, `testing`, `stale`, `healthy`."""
        if not self.is_active or self.status is ConnectionStatus.INACTIVE:
            return "inactive"
        if self.status in (ConnectionStatus.ERROR, ConnectionStatus.TESTING):
            return self.status.value
        return "stale" if self.is_stale() else "healthy"

    def __str__(self) -> str:
        return self.name
