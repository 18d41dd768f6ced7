"""Which periodic job may run now: the first to write the row of the current tick. Schedulers only suggest."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import transaction
from portal.models import JobLease

#: How long the rows of a job stay, for the health page; at least thirty ticks.
KEEP = timedelta(days=1)


def take(job: str, interval_seconds: int, owner: str) -> int | None:
    """Take the tick that the database's clock is in. Returns its start in Unix seconds, or None when it was
    taken: by another scheduler's copy, or by an earlier one of several ticks that piled up.

    A tick of a day is a UTC day. Owns one short transaction, which also drops rows older than `KEEP`. Asking
    again in the same tick gives None, so a run that failed is not repeated before the next tick.
    """
    epoch = sa.func.extract("epoch", sa.func.now())
    tick = sa.cast(sa.func.floor(epoch / interval_seconds), sa.BigInteger) * interval_seconds
    with transaction() as session:
        taken = session.scalar(
            insert(JobLease)
            .values(job=job, tick=tick, owner=owner, started_at=sa.func.now())
            .on_conflict_do_nothing(index_elements=["job", "tick"])
            .returning(JobLease.tick)
        )
        if taken is not None:
            keep = max(int(KEEP.total_seconds()), 30 * interval_seconds)
            session.execute(sa.delete(JobLease).where(JobLease.job == job, JobLease.tick < taken - keep))
    return taken


def finish(job: str, tick: int) -> None:
    """Note that the run which took this tick has ended well. Commits; may be repeated."""
    row = sa.and_(JobLease.job == job, JobLease.tick == tick)
    with transaction() as session:
        session.execute(sa.update(JobLease).where(row).values(finished_at=sa.func.now()))
