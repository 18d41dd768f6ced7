"""Plans carry signals; subscriptions tie users to plans."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import Base, utcnow
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.models.user import User

plan_signals = sa.Table(
    "plan_signals",
    Base.metadata,
    sa.Column("plan_id", foreign_key("plans.id", cascade=True), primary_key=True),
    sa.Column("signal_id", foreign_key("signals.id", cascade=True), primary_key=True, index=True),
)


class Plan(Timestamps, Base):
    __tablename__ = "plans"

    id: Mapped[IntPk]
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="")
    #: Closed plans take no new signals and no new subscriptions.
    is_active: Mapped[bool] = mapped_column(default=True)
    #: People may subscribe to it by themselves.
    is_open: Mapped[bool] = mapped_column(default=False, server_default=sa.false())

    def __str__(self) -> str:
        return self.name


class Subscription(Timestamps, Base):
    __tablename__ = "subscriptions"
    __table_args__ = (
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="ends_after_start"),
        sa.Index("ix_subscriptions_plan_user", "plan_id", "user_id"),
    )

    id: Mapped[IntPk]
    user_id: Mapped[int] = mapped_column(foreign_key("users.id", cascade=True), index=True)
    plan_id: Mapped[int] = mapped_column(foreign_key("plans.id", cascade=True))
    starts_at: Mapped[datetime] = mapped_column(default=utcnow)
    #: Empty = until canceled.
    ends_at: Mapped[datetime | None]
    #: When the owner or an administrator ended it.
    canceled_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
    plan: Mapped[Plan] = relationship()

    @hybrid_property
    def is_current(self) -> bool:
        """True while the period runs and nobody canceled."""
        now = utcnow()
        return (
            self.canceled_at is None
            and self.starts_at <= now
            and (self.ends_at is None or now < self.ends_at)
        )

    @is_current.inplace.expression
    @classmethod
    def _is_current_sql(cls) -> sa.ColumnElement[bool]:
        now = sa.func.now()
        return sa.and_(
            cls.canceled_at.is_(None), cls.starts_at <= now, sa.or_(cls.ends_at.is_(None), cls.ends_at > now)
        )
