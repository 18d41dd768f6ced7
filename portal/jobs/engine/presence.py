"""The worker's own entry in RQ's lists, with its counters and current jobs, as the dashboard shows it.
Everything is rewritten at each heartbeat, so that a flushed Redis heals by itself; without heartbeats it
vanishes.
"""

import time
from datetime import UTC, datetime
from typing import Any

from rq.utils import utcformat
from rq.worker import BaseWorker, WorkerStatus

from portal.jobs import keys
from portal.jobs.engine.books import Books
from portal.jobs.engine.pool import Pool
from portal.jobs.engine.running import Running
from portal.jobs.engine.upkeep import Pace


class Presence:
    def __init__(self, worker: BaseWorker, pool: Pool, books: Books, pace: Pace) -> None:
        self._worker = worker
        self._pool = pool
        self._books = books
        self._lease = pace.worker_lease

    def show(self) -> None:
        """One heartbeat of the worker and of its running jobs. Raises RedisError."""
        running = self._pool.running()
        pipe = self._books.connection.pipeline(transaction=False)
        self._show_worker(pipe, busy=bool(running))
        executions = keys.worker_executions(self._worker.name)
        pipe.delete(executions)
        for each in running:
            each.shown = True
            self._show_job(pipe, executions, each)
        pipe.expire(executions, self._lease)
        pipe.execute()
        # A job that ended meanwhile was put back among the started ones just now.
        for ended in set(running) - set(self._pool.running()):
            self._books.forget(pipe, ended)
        pipe.execute()

    def hide(self) -> None:
        """Take leave. Never raises RedisError; what could not be removed vanishes by itself."""
        self._books.write(self._hide)

    def _show_worker(self, pipe: Any, busy: bool) -> None:
        worker = self._worker
        worker.last_heartbeat = datetime.now(UTC)
        record = {name: value for name, value in worker.serialize().items() if value is not None}
        record |= {
            "last_heartbeat": utcformat(worker.last_heartbeat),
            "state": (WorkerStatus.BUSY if busy else WorkerStatus.IDLE).value,
            "successful_job_count": worker.successful_job_count,
            "failed_job_count": worker.failed_job_count,
            "total_working_time": worker.total_working_time,
        }
        key = keys.worker(worker.name)
        pipe.hset(key, mapping=record)
        pipe.expire(key, self._lease)
        pipe.sadd(keys.WORKERS, key)
        for queue in worker.queue_names():
            pipe.sadd(keys.workers_of(queue), key)

    def _show_job(self, pipe: Any, executions: str, running: Running) -> None:
        key = keys.execution(running.execution)
        record = {
            "id": running.execution_id,
            "job_id": running.job_id,
            "created_at": running.started_at.timestamp(),
            "last_heartbeat": time.time(),
            "worker_name": self._worker.name,
        }
        pipe.hset(key, mapping=record)
        pipe.expire(key, self._lease)
        pipe.sadd(executions, running.execution)
        self._books.alive(pipe, running.queue, running.execution)

    def _hide(self, pipe: Any) -> None:
        key = keys.worker(self._worker.name)
        pipe.srem(keys.WORKERS, key)
        for queue in self._worker.queue_names():
            pipe.srem(keys.workers_of(queue), key)
        pipe.delete(key, keys.worker_executions(self._worker.name))
