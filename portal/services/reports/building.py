"""Makes the blocks that the report over all accounts is read from: one of each day, one of eight of those in
a row, one of eight of these. They are not the truth, the rows are; what no longer holds is made anew."""

import datetime as dt
from collections.abc import Iterator

import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.models import ReportBlock, ReportChange
from portal.services.reports import blocks
from portal.services.reports.count_results import KINDS
from portal.services.reports.counting import counted
from portal.services.reports.figures import Figures
from portal.services.reports.scope import PERIODS
from portal.services.reports.storing import to_json
from portal.services.reports.stretch import Stretch

#: Lengths of blocks in days; each begins at a multiple of its length.
_LENGTHS = (1, 8, 64)
#: One builder at a time: of two, the slower would put back what it had read first.
_LOCK = 7463511822


def build() -> int:
    """Make every block that is missing or no longer holds, for the longest period that is offered, up to the
    day before yesterday (see migration 0022). Returns how many were made.

    Commits each block by itself; may be repeated, and interrupted anywhere."""
    end = utcnow().date() - dt.timedelta(days=1)
    first = end - dt.timedelta(days=max(PERIODS))
    _forget(first)
    there = {(span.first, span.days) for span in blocks.sound()}
    end_read()
    wanted = [(begin, days) for days in _LENGTHS for begin in _begins(first, end, days)]
    return sum(_make(begin, days) for begin, days in wanted if (begin, days) not in there)


def _begins(first: dt.date, end: dt.date, days: int) -> Iterator[dt.date]:
    """Where blocks of this length begin that lie between these days."""
    step = dt.timedelta(days=days)
    begin = first + dt.timedelta(days=-first.toordinal() % days)
    while begin + step <= end:
        yield begin
        begin += step


def _forget(first: dt.date) -> None:
    """Drop what no longer holds, and what is too old to be asked for."""
    with transaction() as session:
        _lock()
        changed = session.execute(sa.delete(ReportChange).returning(ReportChange.day)).scalars()
        for day in set(changed):
            end = ReportBlock.first + ReportBlock.days
            session.execute(sa.delete(ReportBlock).where(ReportBlock.first <= day, end > day))
        session.execute(sa.delete(ReportBlock).where(ReportBlock.first < first))


def _make(first: dt.date, days: int) -> bool:
    """Make this block. False when there is one, or when a part of it is missing."""
    with transaction() as session:
        _lock()
        figures = _of_day(first) if days == 1 else _of_parts(first, days)
        there = sa.select(ReportBlock.id).where(ReportBlock.first == first, ReportBlock.days == days)
        if figures is None or session.scalar(there):
            return False
        session.add(ReportBlock(first=first, days=days, figures=to_json(figures)))
    return True


def _of_day(day: dt.date) -> Figures:
    return counted(Stretch.of_days(day, day + dt.timedelta(days=1)))


def _of_parts(first: dt.date, days: int) -> Figures | None:
    """A longer block from the next shorter ones; None unless all of them hold."""
    length = _LENGTHS[_LENGTHS.index(days) - 1]
    end = first + dt.timedelta(days=days)
    parts = [span for span in blocks.sound() if span.days == length and first <= span.first < end]
    return blocks.read(parts, KINDS)[1] if len(parts) == days // length else None


def _lock() -> None:
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
