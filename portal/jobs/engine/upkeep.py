"""What a worker does for all workers, by the clock: put due jobs into their queues, and clear away what
killed workers left behind. May run in any number of workers at once.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rq.job import JobStatus

from portal.jobs import keys
from portal.jobs.engine.books import Books

ABANDONED = (
    "The worker that ran this job disappeared: it was killed, or its machine stopped. What the job did is "
    "unknown here. The queue does not repeat it; the sweeper looks at the rows and does what is left to do."
)

# Moves due jobs in one step, so that two workers never move the same one.
_MOVE_DUE = """
local due = redis.call('zrangebyscore', KEYS[1], 0, ARGV[1], 'limit', 0, 500)
if #due > 0 then
  redis.call('zrem', KEYS[1], unpack(due))
  redis.call('rpush', KEYS[2], unpack(due))
end
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """All times of a worker, in seconds: how often it looks, and how long silence counts as life."""

    #: The longest wait for a new job in one call to Redis; a signal is noticed after this time at the latest.
    wait: float = 1.0
    due: float = 1.0
    heartbeat: float = 10.0
    clean: float = 15.0
    #: A job without a sign of life for so long was abandoned.
    job_lease: float = 45.0
    #: The registration of a worker without a sign of life vanishes.
    worker_lease: int = 60
    #: How often time limits are looked at.
    limits: float = 0.25
    #: How long an interrupted job may take to end.
    grace: float = 10.0


def move_due(books: Books, queues: Sequence[str]) -> None:
    """Put the jobs whose time has come into their queues. Raises RedisError."""
    pipe = books.connection.pipeline(transaction=False)
    for queue in queues:
        pipe.eval(_MOVE_DUE, 2, keys.scheduled(queue), keys.queue(queue), time.time())
    pipe.execute()


def clean(books: Books, queues: Sequence[str]) -> None:
    """Drop expired entries, fail abandoned jobs, forget dead workers. Raises RedisError; may be repeated."""
    now = time.time()
    pipe = books.connection.pipeline(transaction=False)
    for queue in queues:
        pipe.zremrangebyscore(keys.finished(queue), 0, now)
        pipe.zremrangebyscore(keys.failed(queue), 0, now)
        pipe.zrangebyscore(keys.started(queue), 0, now)
    answers = pipe.execute()
    for queue, executions in zip(queues, answers[2::3], strict=True):
        for execution in executions:
            _fail_abandoned(books, queue, execution.decode())
    _forget_dead_workers(books, queues)


def _fail_abandoned(books: Books, queue: str, execution: str) -> None:
    if not books.connection.zrem(keys.started(queue), execution):
        return  # another worker was quicker, or the job has ended
    job_id = execution.partition(":")[0]
    if books.connection.hget(keys.job(job_id), "status") == JobStatus.STARTED.value.encode():
        books.write(lambda pipe: books.mark_failed(pipe, queue, job_id, ABANDONED))


def _forget_dead_workers(books: Books, queues: Sequence[str]) -> None:
    lists = [keys.WORKERS, *map(keys.workers_of, queues)]
    pipe = books.connection.pipeline(transaction=False)
    for each in lists:
        pipe.smembers(each)
    names = pipe.execute()
    known = sorted(set().union(*names))
    for name in known:
        pipe.exists(name)
    dead = [name for name, exists in zip(known, pipe.execute(), strict=True) if not exists]
    if dead:
        for each in lists:
            pipe.srem(each, *dead)
        pipe.execute()
