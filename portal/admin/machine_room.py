"""Whether the machine behind the pages runs: clock, workers, queues, failed jobs. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from redis import Redis

from portal.db import db, utcnow
from portal.jobs import keys, presences
from portal.jobs.table import QUEUES
from portal.models import JobLease

#: The sweeper ticks every ten seconds; three missed ticks are trouble.
_CLOCK_STOPPED = timedelta(seconds=40)


@dataclass(frozen=True, slots=True)
class MachineRoom:
    """`workers` and the counts are None when Redis does not answer."""

    last_tick_at: datetime | None
    workers: int | None
    waiting: dict[str, int] | None
    failed: int | None
    schedulers: int | None = None

    @property
    def clock_runs(self) -> bool:
        return self.last_tick_at is not None and utcnow() - self.last_tick_at < _CLOCK_STOPPED

    @property
    def why_stopped(self) -> str:
        """What a stopped clock means, and whose silence it is as far as that is known."""
        if self.waiting is None:
            cause = "Redis is away"
        elif not self.workers:
            cause = "no worker runs"
        elif not self.schedulers:
            cause = "no scheduler runs"
        else:
            cause = "see what the workers do"
        return f"no position is watched: {cause}"


def last_tick() -> datetime | None:
    """When the sweeper ran last, by the database: it needs scheduler, Redis and a worker, all of them."""
    return db.session.scalar(
        sa.select(JobLease.started_at).where(JobLease.job == "sweep").order_by(JobLease.tick.desc()).limit(1)
    )


def look(redis: Any) -> MachineRoom:
    """Raises RedisError; see `without_redis`."""
    pipe = redis.pipeline(transaction=False)
    for name in QUEUES:
        pipe.llen(keys.queue(name))
    for name in QUEUES:
        pipe.zcard(keys.failed(name))
    counts = [int(each) for each in pipe.execute()]
    waiting = dict(zip(QUEUES, counts[: len(QUEUES)], strict=True))
    now = utcnow()
    return MachineRoom(
        last_tick(), presences.count_workers(redis, now), waiting, sum(counts[len(QUEUES) :]),
        presences.count_schedulers(redis, now),
    )  # fmt: skip


def without_redis() -> MachineRoom:
    return MachineRoom(last_tick(), None, None, None)


def schedulers(redis: Redis) -> int:
    """Schedulers that are alive. Raises RedisError."""
    return presences.count_schedulers(redis, utcnow())
