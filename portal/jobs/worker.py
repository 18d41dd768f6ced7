"""The worker: one process, many threads, one RQ registration. It runs jobs of the table only, keeps what is
dear warm between them, and outlives stuck jobs and restarts of Redis. What a job does is none of its
business.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any

from flask import Flask
from redis import Redis, RedisError
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from portal.jobs.engine import upkeep
from portal.jobs.engine.allowlist import Allowlist, Call
from portal.jobs.engine.books import Books, describe
from portal.jobs.engine.caretaker import Caretaker
from portal.jobs.engine.intake import Intake
from portal.jobs.engine.lanes import Lanes, Offer, is_urgent
from portal.jobs.engine.outage import Outage
from portal.jobs.engine.pool import Pool, StuckError
from portal.jobs.engine.presence import Presence
from portal.jobs.engine.running import Running
from portal.jobs.engine.upkeep import Pace
from portal.jobs.fitness import require_fit
from portal.jobs.gate import Gate
from portal.jobs.queues import connect
from portal.jobs.refusals import report_refusal
from portal.jobs.serializing import refuse_pickle
from portal.jobs.table import JOBS, QUEUES, JobSpec

logger = logging.getLogger(__name__)

#: Seconds to wait for a new job while one lane is full and may get room at any moment.
SHORT_WAIT = 0.1
#: Seconds that running jobs have to end after the first signal.
WARM_SHUTDOWN = 20.0
LEFT_BEHIND = (
    "The worker was told to stop and the job did not end in time. What it did is unknown. The queue does "
    "not repeat it; the sweeper looks at the rows."
)
#: A second signal within this time is the same Ctrl+C, sent by the terminal and by the supervisor.
SAME_SIGNAL = 1.0


class PortalWorker(BaseWorker):
    """RQ's registration and records with an engine of our own.

    RQ forks for each job, or runs one job at a time with 25 round trips. Here the main thread fetches for all
    threads, heartbeats go by the clock, and a job costs one pipeline at its start and one at its end.
    Left out on purpose: commands over pub/sub, dependencies, callbacks, webhooks, RQ's own scheduler.
    """

    def __init__(
        self,
        connection: Redis,
        perform: Callable[[Call], None],
        *,
        concurrency: int,
        jobs: Mapping[str, JobSpec] = JOBS,
        queues: Sequence[str] = QUEUES,
        pace: Pace | None = None,
        warm_shutdown: float = WARM_SHUTDOWN,
        on_refusal: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        super().__init__(
            list(queues), connection=connection, serializer=JSONSerializer, prepare_for_work=False
        )
        self.hostname, self.pid = socket.gethostname(), os.getpid()
        self.birth_date = datetime.now(UTC)
        self._pace = pace or Pace()
        self._warm_shutdown = warm_shutdown
        self._signalled_at = 0.0
        self._retired = False
        self._counting = threading.Lock()
        self._outage = Outage(f"worker {self.name[:8]}")
        self._books = Books(connection, self.name, self._pace.job_lease, self._outage)
        self._allowlist = Allowlist(jobs)
        self._intake = Intake(connection, self._allowlist, self._books, on_refusal)
        self._lanes = Lanes(concurrency, queues)
        self._pool = Pool(concurrency, perform, self._report)
        self._presence = Presence(self, self._pool, self._books, self._pace)
        self._caretaker = Caretaker(self._pool, self._pace, self._chores(), self._outage)

    def preload(self) -> None:
        """Import all job modules. Call it in the main thread: the first order then starts warm."""
        self._allowlist.preload()

    def work(self, burst: bool = False, *_: Any, **__: Any) -> bool:
        """Run jobs until a signal asks to stop or, with `burst`, until the queues are empty."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.request_stop)
            signal.signal(signal.SIGINT, self.request_stop)
        logger.info("worker %s listens on %s", self.name, ", ".join(self.queue_names()))
        self._caretaker.start()
        try:
            while not self._ending and self._step(burst):
                pass
        finally:
            self._shut_down()
        return bool(self.successful_job_count + self.failed_job_count)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """First signal: finish what runs, start nothing. Second: leave; the sweeper looks at the rows."""
        if self._stop_requested and time.monotonic() - self._signalled_at > SAME_SIGNAL:
            os._exit(1)
        # Only plain assignments: the signal may come while this very thread holds any lock.
        if not self._stop_requested:
            self._signalled_at = time.monotonic()
            self._stop_requested = True

    def retire(self) -> None:
        """Stop as after a first signal. Any thread may call it; a signal afterwards is still the first."""
        self._retired = True

    @property
    def _ending(self) -> bool:
        return self._stop_requested or self._retired

    def _step(self, burst: bool) -> bool:
        """Fetch and start once. False: a burst is over, or the worker stops."""
        counts = self._pool.counts()
        offer = self._lanes.offer(*counts)
        if not offer.queues:
            self._pool.wait_for_change(counts, self._pace.wait)
            return True
        wait = 0.0 if burst else self._patience(offer)
        try:
            taken = self._intake.take(offer, wait)
            self._outage.worked()
            if taken is None:
                if not wait:
                    self._pool.wait_for_change(counts, SHORT_WAIT)
                return not burst or bool(self._pool.running())
            if self._ending:
                self._intake.give_back(taken)
                return False
            for running in self._intake.begin(taken):
                self._pool.submit(running)
        except (RedisError, OSError) as error:
            time.sleep(self._outage.failed(error))
        return True

    def _patience(self, offer: Offer) -> float:
        if offer.everything:
            return self._pace.wait
        # With the urgent lane full there is nothing to wait for in Redis: the next free thread is the news.
        return SHORT_WAIT if is_urgent(offer.queues[0]) else 0.0

    def _report(self, running: Running, error: BaseException | None) -> None:
        """Called in the thread of the job, or in that of the watch when the thread was given up."""
        seconds = time.monotonic() - running.began
        with self._counting:
            self.total_working_time += seconds
            self.successful_job_count += error is None
            self.failed_job_count += error is not None
        if error is None:
            logger.debug("%s finished in %.3f s", running.job_id, seconds)
            self._books.write(lambda pipe: self._books.finished(pipe, running))
            return
        text = describe(running, error)
        if running.retries_left > 0 and not isinstance(error, StuckError):
            delays = running.call.spec.retry_delays
            delay = delays[len(delays) - running.retries_left]
            logger.warning("%s failed and is repeated in %d s", running.job_id, delay, exc_info=error)
            self._books.write(lambda pipe: self._books.retried(pipe, running, text, delay))
        else:
            logger.error("%s failed after %.3f s", running.job_id, seconds, exc_info=error)
            # The watch over time limits must not wait for Redis.
            write = self._books.write_later if isinstance(error, StuckError) else self._books.write
            write(lambda pipe: self._books.failed(pipe, running, text))

    def _chores(self) -> list[tuple[float, Callable[[], None]]]:
        names = self.queue_names()
        return [
            (self._pace.heartbeat, self._presence.show),
            (self._pace.due, lambda: upkeep.move_due(self._books, names)),
            (self._pace.due, self._books.write_late),
            (self._pace.clean, lambda: upkeep.clean(self._books, names)),
        ]

    def _shut_down(self) -> None:
        if self._ending:
            logger.info("worker %s stops: it takes no more jobs and waits for the running ones", self.name)
        if not self._pool.wait_until_idle(self._warm_shutdown):
            self._leave_behind()
        self._caretaker.close()
        self._pool.close()
        with suppress(RedisError, OSError):
            self._books.write_late()
        self._presence.hide()
        logger.info("worker %s has stopped", self.name)

    def _leave_behind(self) -> None:
        for running in self._pool.running():
            logger.error("%s still runs; the worker leaves without it", running.job_id)
            self._books.write(partial(self._books.failed, running=running, text=LEFT_BEHIND))

    def _set_connection(self, connection: Redis) -> Redis:
        # RQ would raise the socket time-out to seven minutes, for its long waits for jobs.
        return connection


def run_worker(
    app: Flask,
    concurrency: int | None = None,
    queues: Sequence[str] | None = None,
    burst: bool = False,
    preload: Callable[[], None] | None = None,
) -> int:
    """Run jobs in this process until SIGTERM or SIGINT; the answer is the exit code, which is 1 when the
    schema was changed under the worker. Raises ConfigError when schema or Redis do not fit, before anything
    was run.

    `preload` runs first, in the main thread: what it imports is warm for the first order.
    """
    refuse_pickle()
    require_fit(app)
    settings = app.extensions["portal_settings"]
    threads = concurrency or settings.worker_concurrency

    def perform(call: Call) -> None:
        with app.app_context():
            if gate.admits(call):
                call()

    worker = PortalWorker(
        connect(settings.redis_url, timeout=5, connections=threads + 10),
        perform,
        concurrency=threads,
        queues=tuple(queues or QUEUES),
        on_refusal=partial(report_refusal, app),
    )
    gate = Gate(worker.retire)
    worker.preload()
    if preload is not None:
        preload()
    worker.work(burst=burst)
    return 1 if gate.retired else 0
