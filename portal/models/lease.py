"""Which periodic job ran for which tick: the row decides, not the scheduler."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, utcnow
from portal.models.base import IntPk


class JobLease(Base):
    __tablename__ = "job_leases"
    __table_args__ = (sa.UniqueConstraint("job", "tick"),)

    id: Mapped[IntPk]
    job: Mapped[str]
    #: Start of the tick, in Unix seconds.
    tick: Mapped[int] = mapped_column(sa.BigInteger)
    owner: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
