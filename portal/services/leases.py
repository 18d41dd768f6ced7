"""Which periodic job may run now: the first to write the row of the current tick. Schedulers only suggest."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import transaction
from portal.models import JobLease

#: How long the rows of a job stay, for the health page; at least thirty ticks.
KEEP = timedelta(days=1)


def take(job: str, interval_seconds: int, owner: str, *, again_after: int | None = None) -> int | None:
    """Take the tick that the database's clock is in. Returns its start in Unix seconds, or None when it was
    taken: by another scheduler's copy, or by an earlier one of several ticks that piled up.

    A tick of a day is a UTC day. Owns one short transaction, which also drops rows older than `KEEP`. Asking
    again in the same tick gives None, so a run that failed is not repeated before the next tick; with
    `again_after`, one that began so many seconds ago and never ended well may be taken once more.
    """
    epoch = sa.func.extract("epoch", sa.func.now())
    tick = sa.cast(sa.func.floor(epoch / interval_seconds), sa.BigInteger) * interval_seconds
    with transaction() as session:
        row = insert(JobLease).values(job=job, tick=tick, owner=owner, started_at=sa.func.now())
        key = ["job", "tick"]
        if again_after is None:
            row = row.on_conflict_do_nothing(index_elements=key)
        else:
            row = row.on_conflict_do_update(
                index_elements=key,
                set_={"owner": owner, "started_at": sa.func.now()},
                where=sa.and_(
                    JobLease.finished_at.is_(None),
                    JobLease.started_at < sa.func.now() - timedelta(seconds=again_after),
                ),
            )
        taken = session.scalar(row.returning(JobLease.tick))
        if taken is not None:
            keep = max(int(KEEP.total_seconds()), 30 * interval_seconds)
            session.execute(sa.delete(JobLease).where(JobLease.job == job, JobLease.tick < taken - keep))
    return taken


def finish(job: str, tick: int) -> None:
    """Note that the run which took this tick has ended well. Commits; may be repeated."""
    row = sa.and_(JobLease.job == job, JobLease.tick == tick)
    with transaction() as session:
        session.execute(sa.update(JobLease).where(row).values(finished_at=sa.func.now()))
