"""Threads that run jobs, and the watch over their time limits. A stuck thread is given up and replaced, so
that any number of them leaves the worker at full strength. No Redis here: what became of a job goes to
`report`.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

from portal.jobs.engine.allowlist import Call
from portal.jobs.engine.lanes import is_urgent
from portal.jobs.engine.running import AbandonedError, Running
from portal.logs import log_context

logger = logging.getLogger(__name__)

#: What became of a job: None or what it raised.
Report = Callable[[Running, BaseException | None], None]


class StuckError(Exception):
    """The job did not end when it was interrupted; its thread was given up."""


class Pool:
    """`concurrency` threads. The caller submits no more than there is room for."""

    def __init__(self, concurrency: int, action: Callable[[Call], None], report: Report) -> None:
        self._action = action
        self._report = report
        self._inbox: queue.SimpleQueue[Running | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._running: dict[Running, None] = {}
        self._threads = 0
        self._concurrency = concurrency
        for _ in range(concurrency):
            self._add_thread()

    def submit(self, running: Running) -> None:
        with self._changed:
            self._running[running] = None
        self._inbox.put(running)

    def running(self) -> list[Running]:
        with self._changed:
            return list(self._running)

    def counts(self) -> tuple[int, int]:
        """How many jobs run in the urgent lane and in the other."""
        with self._changed:
            urgent = sum(1 for each in self._running if is_urgent(each.queue))
            return urgent, len(self._running) - urgent

    def wait_for_change(self, since: tuple[int, int], timeout: float) -> None:
        """Return when the counts differ from `since`, or after `timeout` seconds."""
        with self._changed:
            if len(self._running) == sum(since):
                self._changed.wait(timeout)

    def wait_until_idle(self, timeout: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: not self._running, timeout)

    def enforce_limits(self, grace: float) -> None:
        """Interrupt jobs that are over their limit; give up those that are over it by `grace` seconds."""
        now = time.monotonic()
        for running in self.running():
            over = running.seconds_over(now)
            if over > grace and running.interrupted:
                self._give_up(running)
            elif over > 0:
                running.interrupt()

    def close(self) -> None:
        """Let idle threads end. Busy ones end after their job, or with the process."""
        for _ in range(self._concurrency):
            self._inbox.put(None)

    def _give_up(self, running: Running) -> None:
        if not running.abandon():
            return
        logger.error("%s is stuck; its thread was given up and replaced", running.job_id)
        limit = running.call.spec.timeout
        self._end(
            running,
            StuckError(
                f"The job took longer than its limit of {limit} s and did not stop when it was interrupted. "
                "Its thread was given up; what it did is unknown here. The sweeper looks at the rows."
            ),
        )
        self._add_thread()

    def _add_thread(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name=f"job-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        while (running := self._inbox.get()) is not None:
            try:
                with log_context(job_id=running.job_id):
                    error = running.run(self._action)
                    if running.abandoned:
                        return
                    self._end(running, error)
            except AbandonedError:
                return
            except Exception:
                logger.exception("the end of %s could not be reported", running.job_id)

    def _end(self, running: Running, error: BaseException | None) -> None:
        try:
            self._report(running, error)
        finally:
            with self._changed:
                self._running.pop(running, None)
                self._changed.notify_all()
