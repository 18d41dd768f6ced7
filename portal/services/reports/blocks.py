"""Which kept blocks still hold, which of them cover a period, and what they say. Reads only."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from portal.db import db
from portal.models import ReportBlock, ReportChange
from portal.services.reports.figures import Figures, together
from portal.services.reports.storing import from_json


@dataclass(frozen=True, slots=True)
class Span:
    """The days of one block."""

    id: int
    first: dt.date
    days: int

    @property
    def end(self) -> dt.date:
        """The day after its last."""
        return self.first + dt.timedelta(days=self.days)


def sound() -> list[Span]:
    """The blocks of which no day was changed since they were made."""
    # In this order: a block that is made anew in between is merely not used.
    changed = set(db.session.execute(sa.select(ReportChange.day).distinct()).scalars())
    rows = db.session.execute(sa.select(ReportBlock.id, ReportBlock.first, ReportBlock.days)).all()
    spans = [Span(*row) for row in rows]
    return [span for span in spans if not any(span.first <= day < span.end for day in changed)]


def covering(spans: Iterable[Span], since: dt.date) -> list[Span]:
    """As few of them as cover all that they can from this day on, in order. Relies on how they are made: of
    two that overlap, one lies within the other."""
    chosen: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.first, -span.days)):
        if span.first >= (chosen[-1].end if chosen else since):
            chosen.append(span)
    return chosen


def read(spans: Collection[Span], kinds: Collection[str]) -> tuple[list[Span], Figures]:
    """What they say together, results by these kinds. One that has gone meanwhile is left out: those that are
    in it come first, in order."""
    by_id = {span.id: span for span in spans}
    rows = db.session.execute(
        sa.select(ReportBlock.id, ReportBlock.figures)
        .where(ReportBlock.id.in_(by_id))
        .order_by(ReportBlock.first)
    ).all()
    return [by_id[id_] for id_, _ in rows], together(from_json(figures, kinds) for _, figures in rows)
