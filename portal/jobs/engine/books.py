"""What the worker writes into Redis about a job: just what RQ and its dashboard read, one pipeline at the
start and one at the end. It decides nothing: whether work was done is in the database. Texts are
scrubbed of secrets.
"""

import logging
import time
import traceback
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from redis import Redis, RedisError
from rq.job import JobStatus
from rq.results import Result
from rq.serializers import JSONSerializer
from rq.utils import utcformat

from portal.jobs import keys
from portal.jobs.engine.outage import Outage
from portal.jobs.engine.running import Running
from portal.jobs.records import FAILURE_TTL, RESULT_TTL
from portal.logs import scrub

logger = logging.getLogger(__name__)

#: An entry: it adds commands to a pipeline.
Entry = Callable[[Any], object]


class Books:
    """The worker's view of RQ's records. Safe to share between threads."""

    def __init__(self, connection: Redis, worker_name: str, lease: float, outage: Outage) -> None:
        self.connection = connection
        self._worker_name = worker_name
        self._lease = lease
        self._outage = outage
        self._late: deque[Entry] = deque(maxlen=10_000)

    def write(self, entry: Entry) -> bool:
        """Write one entry now, or keep it for `write_late` when Redis is away. Never raises RedisError."""
        try:
            pipe = self.connection.pipeline(transaction=False)
            entry(pipe)
            pipe.execute()
        except (RedisError, OSError) as error:
            self._outage.failed(error)
            self._late.append(entry)
            return False
        self._outage.worked()
        return True

    def write_late(self) -> None:
        """Write what could not be written. Raises RedisError, and keeps everything, when it still cannot."""
        while self._late:
            pipe = self.connection.pipeline(transaction=False)
            self._late[0](pipe)
            pipe.execute()
            self._late.popleft()

    def write_later(self, entry: Entry) -> None:
        self._late.append(entry)

    def started(self, pipe: Any, queue: str, job_id: str, execution_id: str, now: datetime) -> None:
        pipe.hset(
            keys.job(job_id),
            mapping={
                "status": JobStatus.STARTED.value,
                "started_at": utcformat(now),
                "worker_name": self._worker_name,
            },
        )
        self.alive(pipe, queue, f"{job_id}:{execution_id}")

    def alive(self, pipe: Any, queue: str, execution: str) -> None:
        """Without a sign of life for this long the job counts as abandoned."""
        pipe.zadd(keys.started(queue), {execution: time.time() + self._lease})

    def finished(self, pipe: Any, running: Running) -> None:
        key = keys.job(running.job_id)
        ended = {"status": JobStatus.FINISHED.value, "ended_at": utcformat(datetime.now(UTC))}
        pipe.hset(key, mapping=ended)
        pipe.expire(key, RESULT_TTL)
        pipe.zadd(keys.finished(running.queue), {running.job_id: time.time() + RESULT_TTL})
        self.forget(pipe, running)

    def failed(self, pipe: Any, running: Running, text: str) -> None:
        self.mark_failed(pipe, running.queue, running.job_id, text)
        self.forget(pipe, running)

    def retried(self, pipe: Any, running: Running, text: str, delay: float) -> None:
        """RQ's way of repeating: back into the queue when the delay is over (see `upkeep.py`)."""
        left = {"status": JobStatus.SCHEDULED.value, "retries_left": running.retries_left - 1}
        pipe.hset(keys.job(running.job_id), mapping=left)
        pipe.zadd(keys.scheduled(running.queue), {running.job_id: time.time() + delay})
        self._result(pipe, running.job_id, Result.Type.RETRIED, text)
        self.forget(pipe, running)

    def mark_failed(self, pipe: Any, queue: str, job_id: str, text: str) -> None:
        key = keys.job(job_id)
        ended = {"status": JobStatus.FAILED.value, "ended_at": utcformat(datetime.now(UTC))}
        pipe.hset(key, mapping=ended)
        pipe.expire(key, FAILURE_TTL)
        pipe.zadd(keys.failed(queue), {job_id: time.time() + FAILURE_TTL})
        self._result(pipe, job_id, Result.Type.FAILED, text)

    def _result(self, pipe: Any, job_id: str, kind: Result.Type, text: str) -> None:
        result = Result(
            job_id,
            kind,
            self.connection,
            exc_string=scrub(text),
            worker_name=self._worker_name,
            serializer=JSONSerializer,
        )
        result.save(FAILURE_TTL, pipeline=pipe)  # type: ignore[no-untyped-call]

    def forget(self, pipe: Any, running: Running) -> None:
        pipe.zrem(keys.started(running.queue), running.execution)
        if running.shown:
            pipe.delete(keys.execution(running.execution))
            pipe.srem(keys.worker_executions(self._worker_name), running.execution)


def describe(running: Running, error: BaseException) -> str:
    """The text for the dashboard."""
    text = "".join(traceback.format_exception(error))
    if running.interrupted:
        limit = running.call.spec.timeout
        return f"The job took longer than its limit of {limit} s and was interrupted.\n{text}"
    return text
