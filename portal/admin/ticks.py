"""The periodic jobs: when each ran last, by its lease in the database, and when it comes next. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from redis import Redis
from sqlalchemy.orm import aliased

from portal.db import db, utcnow
from portal.jobs import presences
from portal.jobs.overview import Failed
from portal.jobs.periodic import PERIODIC, Periodic
from portal.jobs.rhythm import Ending, ending, next_run
from portal.jobs.schedule import schedule_id
from portal.models import JobLease

#: A tick that is so much later than its rhythm allows is trouble.
_GRACE = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Tick:
    """One periodic job: when it ran last, how that ended, and when it runs next."""

    entry: Periodic
    #: None: unknown, or not scheduled.
    next_at: datetime | None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    owner: str = ""
    ended: Ending | None = None

    @property
    def is_late(self) -> bool:
        """Whether it should have run again long ago."""
        if self.started_at is None:
            return True
        return utcnow() - self.started_at > timedelta(seconds=self.entry.interval) + _GRACE

    @property
    def took(self) -> timedelta | None:
        """How long the last run was, if it ended well."""
        return self.finished_at - self.started_at if self.finished_at and self.started_at else None


def ticks(redis: Redis | None, failed: Sequence[Failed] = ()) -> list[Tick]:
    """All periodic jobs; `failed`: known failures, newest first. Without Redis nobody knows when they come
    next. Raises RedisError."""
    due = presences.read_schedule(redis) if redis is not None else {}
    leases = {lease.job: lease for lease in db.session.scalars(_latest())}
    failures = {each.entry.name: each.ended_at for each in reversed(failed)}
    return [
        _tick(entry, leases.get(entry.name), due.get(schedule_id(entry.name)), failures.get(entry.name))
        for entry in PERIODIC
    ]


def _tick(entry: Periodic, lease: JobLease | None, due: datetime | None, failed_at: datetime | None) -> Tick:
    if lease is None:
        return Tick(entry, due)
    now = utcnow()
    ended = ending(entry, lease.started_at, lease.finished_at, failed_at, now)
    next_at = next_run(entry, due, now, lease.started_at, ended)
    return Tick(entry, next_at, lease.started_at, lease.finished_at, lease.owner, ended)


def _latest() -> sa.Select[JobLease]:
    """The newest lease of each job: one look into the index for each."""
    lease = aliased(JobLease)
    newest = [
        sa.select(lease.id)
        .where(lease.job == entry.name)
        .order_by(lease.tick.desc())
        .limit(1)
        .scalar_subquery()
        for entry in PERIODIC
    ]
    return sa.select(JobLease).where(JobLease.id.in_(newest))
