"""Figures of past days, kept so that a report over a year need not read the year again. They can be thrown
away at any time: a report then reads the positions and executions themselves."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, utcnow
from portal.models.base import IntPk, Json


class ReportBlock(Base):
    """All accounts together over some days in a row. Wrong, and not read, when one of its days is among the
    `ReportChange`s."""

    __tablename__ = "report_blocks"
    __table_args__ = (sa.UniqueConstraint("first", "days"),)

    id: Mapped[IntPk]
    #: Its first UTC day.
    first: Mapped[dt.date] = mapped_column(sa.Date)
    #: How many days it covers.
    days: Mapped[int]
    #: What `portal/services/reports/figures.py` writes and reads.
    figures: Mapped[Json]
    created_at: Mapped[dt.datetime] = mapped_column(default=utcnow)


class ReportChange(Base):
    """A day about which something was changed half a day later or more. Written by triggers, in the
    transaction of the change (see migration 0022); only ever added to, so no writer waits for another."""

    __tablename__ = "report_changes"

    id: Mapped[IntPk]
    #: The UTC day.
    day: Mapped[dt.date] = mapped_column(sa.Date)
