"""Who works and who keeps the time, as they say themselves in Redis. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis import Redis, RedisError
from rq_scheduler import Scheduler

from portal.jobs import keys
from portal.jobs.decoding import as_count, as_moment, as_text, as_time

#: Workers that are shown.
_MOST = 50
#: They say every ten seconds that they live.
_SILENT = timedelta(seconds=30)
_FIELDS = (
    "hostname", "pid", "state", "queues", "birth", "last_heartbeat", "successful_job_count",
    "failed_job_count",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of `portal worker`."""

    name: str
    host: str
    pid: str
    state: str
    queues: tuple[str, ...]
    since: datetime | None
    heard_at: datetime | None
    done: int
    failed: int

    def is_silent(self, now: datetime) -> bool:
        """Whether its last sign of life is too old."""
        return self.heard_at is None or now - self.heard_at > _SILENT


def read_workers(redis: Redis) -> tuple[Worker, ...]:
    """The registered workers, by host and process. Raises RedisError."""
    members: Any = redis.smembers(keys.WORKERS)
    names = sorted(each.decode(errors="replace") for each in members)[:_MOST]
    pipe = redis.pipeline(transaction=False)
    for name in names:
        pipe.hmget(name, *_FIELDS)
    rows = zip(names, pipe.execute(raise_on_error=False), strict=True)
    found = (
        _worker(name.removeprefix(keys.worker("")), *row)
        for name, row in rows
        if not isinstance(row, RedisError) and row[0]
    )
    return tuple(sorted(found, key=lambda each: (each.host, each.pid)))


def count_workers(redis: Redis, now: datetime) -> int:
    """Workers that gave a sign of life within the last half minute: one that was killed stays registered
    until another one looks. Raises RedisError."""
    members: Any = redis.smembers(keys.WORKERS)
    pipe = redis.pipeline(transaction=False)
    for name in members:
        pipe.hget(name, "last_heartbeat")
    answers = [each for each in pipe.execute(raise_on_error=False) if not isinstance(each, RedisError)]
    return sum(at is not None and now - at <= _SILENT for at in map(as_time, answers))


def count_schedulers(redis: Redis, now: datetime) -> int:
    """Schedulers that gave a sign of life within the last half minute. Raises RedisError."""
    found: Any = redis.zcount(keys.SCHEDULERS, (now - _SILENT).timestamp(), "+inf")
    return int(found)


def read_schedule(redis: Redis) -> dict[str, datetime]:
    """When each entry of the schedule is due next, by its id. Raises RedisError."""
    found: Any = redis.zrange(Scheduler.scheduled_jobs_key, 0, 100, withscores=True)
    return {name.decode(errors="replace"): as_moment(due) for name, due in found}


def _worker(name: str, *values: bytes | None) -> Worker:
    host, pid, state, queues, since, heard, done, failed = values
    return Worker(
        name, as_text(host), as_text(pid), as_text(state), tuple(filter(None, as_text(queues).split(","))),
        as_time(since), as_time(heard), as_count(done), as_count(failed),
    )  # fmt: skip
