"""Asking for jobs: `enqueue` and `enqueue_many`, which never raise and never keep a web request waiting.

When Redis is away nothing is lost: the rows are committed, and the sweeper asks again. Runs no job.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

from flask import Flask, current_app
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from portal.jobs import keys
from portal.jobs.records import add_jobs, job_id
from portal.jobs.serializing import refuse_pickle
from portal.jobs.table import JOBS, JobSpec

logger = logging.getLogger(__name__)

#: Seconds a request may wait for Redis once.
TIMEOUT = 0.8
#: After such a wait, seconds in which nobody waits again.
QUIET = 2.0
_NOW = timedelta(0)

_sparing: ContextVar[bool] = ContextVar("portal_sparing", default=False)


@contextmanager
def sparing() -> Iterator[None]:
    """Within the block jobs that wait in their queue already are not queued once more. For the sweeper: a
    backlog that it doubles every ten seconds would never end."""
    token = _sparing.set(True)
    try:
        yield
    finally:
        _sparing.reset(token)


class JobQueues:
    """Puts the jobs of one table into one Redis. Safe to share between threads."""

    def __init__(self, connection: Redis, jobs: Mapping[str, JobSpec] = JOBS) -> None:
        self.connection = connection
        self.jobs = jobs
        self._quiet_until = 0.0
        self._away = False

    def enqueue(self, name: str, *ids: int) -> bool:
        """Ask for one job. True when Redis took it; False, and a line in the log, when not. Never raises."""
        return self._send(name, [ids])

    def enqueue_many(self, name: str, ids: Iterable[int], *, after: timedelta = _NOW) -> bool:
        """Ask for one job per id in a single round trip, to start `after` now, to about a second. Same
        answers as `enqueue`."""
        return self._send(name, [(each,) for each in ids], after)

    def _send(self, name: str, groups: Sequence[Sequence[int]], after: timedelta = _NOW) -> bool:
        spec = self.jobs.get(name)
        if spec is None:
            logger.error("job %s is not in the table of jobs; it was not queued", name)
            return False
        if not groups:
            return True
        if time.monotonic() < self._quiet_until:
            return False
        try:
            if _sparing.get():
                groups = self._missing(name, spec, groups)
            if groups:
                pipe = self.connection.pipeline(transaction=False)
                add_jobs(pipe, name, spec, groups, after)
                pipe.execute()
        except (RedisError, OSError) as error:
            self._note_failure(name, len(groups), error)
            return False
        if self._away:
            self._away = False
            logger.info("Redis answers again; jobs are queued directly")
        return True

    def _missing(self, name: str, spec: JobSpec, groups: Sequence[Sequence[int]]) -> list[Sequence[int]]:
        """Those of `groups` whose job does not wait in its queue. Raises RedisError."""
        waiting: Any = self.connection.lrange(keys.queue(spec.queue), 0, -1)
        known = {each.decode().rpartition("-")[0] for each in waiting}
        return [ids for ids in groups if job_id(name, ids, "").rstrip("-") not in known]

    def _note_failure(self, name: str, count: int, error: Exception) -> None:
        if isinstance(error, RedisTimeoutError):
            self._quiet_until = time.monotonic() + QUIET
        level = logging.DEBUG if self._away else logging.WARNING
        self._away = True
        logger.log(
            level,
            "Redis did not take %d job(s) %s (%s); the rows are saved and the sweeper asks again",
            count, name, type(error).__name__,
        )  # fmt: skip


def connect(url: str, *, timeout: float = TIMEOUT, connections: int = 100) -> Redis:
    """A client that connects when first used and waits at most `timeout` seconds for each answer."""
    # One repetition after a broken connection: a pooled socket is dead after a restart of Redis. None after a
    # time-out: the caller would wait twice.
    retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
    return Redis.from_url(
        url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry, max_connections=connections
    )


def init_app(app: Flask) -> None:
    """Give the app its Redis (`portal_redis`) and its queues (`portal_queues`). Connects to nothing yet."""
    refuse_pickle()
    settings = app.extensions["portal_settings"]
    app.extensions["portal_redis"] = connect(settings.redis_url)
    app.extensions["portal_queues"] = JobQueues(app.extensions["portal_redis"])


def enqueue(name: str, *ids: int) -> bool:
    """`JobQueues.enqueue` of the current app. Never raises; False means that the sweeper has to ask."""
    return _current().enqueue(name, *ids)


def enqueue_many(name: str, ids: Iterable[int], *, after: timedelta = _NOW) -> bool:
    """`JobQueues.enqueue_many` of the current app. Never raises."""
    return _current().enqueue_many(name, ids, after=after)


def _current() -> JobQueues:
    queues: JobQueues = current_app.extensions["portal_queues"]
    return queues
