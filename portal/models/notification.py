"""What an account owner is told."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, enum_type, utcnow
from portal.models.base import IntPk, foreign_key
from portal.trading.types import NotificationType


class Notification(Base):
    __tablename__ = "notifications"
    __table_args__ = (
        sa.Index("ix_notifications_user", "user_id", "id"),
        sa.Index("ix_notifications_execution_id", "execution_id"),
        sa.Index("ix_notifications_position_id", "position_id"),
        sa.Index("ix_notifications_unrouted", "id", postgresql_where=sa.text("routed_at IS NULL")),
    )

    id: Mapped[IntPk]
    #: Who is told; empty = every administrator.
    user_id: Mapped[int | None] = mapped_column(foreign_key("users.id"))
    type: Mapped[NotificationType] = mapped_column(enum_type(NotificationType))
    title: Mapped[str]
    body: Mapped[str] = mapped_column(default="")
    connection_id: Mapped[int | None] = mapped_column(foreign_key("execution_connections.id"))
    execution_id: Mapped[int | None] = mapped_column(sa.ForeignKey("executions.id"))
    position_id: Mapped[int | None] = mapped_column(sa.ForeignKey("execution_positions.id"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    read_at: Mapped[datetime | None]
    #: When it was decided to which channels it goes; empty = not yet.
    routed_at: Mapped[datetime | None]
