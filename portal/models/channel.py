"""Where a person is told outside the portal, and what was told there."""

from datetime import datetime, time
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, enum_type, utcnow
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.secret import SecretMixin
from portal.models.user import User


class Digest(StrEnum):
    """How often a channel is written to about what is not urgent."""

    OFF = "off"
    HOURLY = "hourly"
    DAILY = "daily"


class NotificationChannel(SecretMixin, Timestamps, Base):
    """One address outside. The address itself is a secret: it is in `credentials`, never in a column."""

    __tablename__ = "notification_channels"

    id: Mapped[IntPk]
    #: Whose notifications go there.
    user_id: Mapped[int] = mapped_column(foreign_key("users.id", cascade=True), index=True)
    name: Mapped[str]
    #: The service in words, such as "Discord".
    service: Mapped[str]
    #: The address with its secrets masked, to tell channels apart.
    shown_as: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    #: Types of notifications that go there (values of NotificationType).
    types: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)
    digest: Mapped[Digest] = mapped_column(enum_type(Digest), default=Digest.OFF)
    #: Nothing but urgent matters is sent from here to `quiet_to`, in `time_zone`; both empty = never quiet.
    quiet_from: Mapped[time | None]
    quiet_to: Mapped[time | None]
    time_zone: Mapped[str] = mapped_column(default="UTC")
    last_sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    #: Messages refused in a row.
    failures: Mapped[int] = mapped_column(default=0)
    #: When a test message was asked for that has not been sent yet.
    test_requested_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")


class NotificationDelivery(Base):
    """One notification on its way to one channel: sent, given up, or due."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (
        sa.UniqueConstraint("notification_id", "channel_id"),
        sa.Index(
            "ix_notification_deliveries_waiting",
            "channel_id",
            "due_at",
            postgresql_where=sa.text("sent_at IS NULL AND given_up_at IS NULL"),
        ),
    )

    id: Mapped[IntPk]
    notification_id: Mapped[int] = mapped_column(foreign_key("notifications.id", cascade=True))
    channel_id: Mapped[int] = mapped_column(foreign_key("notification_channels.id", cascade=True))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: Not before this moment; whoever sends it moves this forward first.
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    error: Mapped[str | None]
