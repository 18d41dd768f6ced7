"""The signals of today on the dashboard, each with what became of it. Reads only."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask import url_for

from portal.db import db
from portal.models import Execution, Signal
from portal.trading.types import ExecutionStatus

#: Signals of a day that are shown; all stand on their own page.
_TODAY = 15
_LATEST = 5


@dataclass(frozen=True, slots=True)
class Published:
    """One signal, and how many of its executions stand where."""

    signal: Signal
    url: str
    counts: list[tuple[ExecutionStatus, int]]


def published(today: datetime) -> tuple[bool, list[Published]]:
    """Whether they are of today, and the newest signals: those of today, or the last ones before."""
    newest = sa.select(Signal).where(Signal.is_published).order_by(Signal.publish_sequence.desc())
    found = db.session.scalars(newest.where(Signal.published_at >= today).limit(_TODAY)).all()
    of_today = bool(found)
    if not found:
        found = db.session.scalars(newest.limit(_LATEST)).all()
    counts = db.session.execute(
        sa.select(Execution.signal_id, Execution.status, sa.func.count())
        .where(Execution.signal_id.in_([signal.id for signal in found]))
        .group_by(Execution.signal_id, Execution.status)
        .order_by(Execution.status)
    ).all()
    return of_today, [
        Published(
            signal,
            url_for("admin_signals.details_view", id=signal.id),
            [(status, count) for owner, status, count in counts if owner == signal.id],
        )
        for signal in found
    ]
