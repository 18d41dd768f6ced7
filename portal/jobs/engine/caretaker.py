"""Two threads beside the jobs: one watches time limits and never touches Redis, one does the chores in
Redis.
"""

import logging
import threading
import time
from collections.abc import Callable

from redis import RedisError

from portal.jobs.engine.outage import Outage
from portal.jobs.engine.pool import Pool
from portal.jobs.engine.upkeep import Pace

logger = logging.getLogger(__name__)

#: Something to do in Redis every so many seconds. May raise RedisError.
Chore = tuple[float, Callable[[], None]]


class Caretaker:
    def __init__(self, pool: Pool, pace: Pace, chores: list[Chore], outage: Outage) -> None:
        self._pool = pool
        self._pace = pace
        self._chores = chores
        self._outage = outage
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch_limits, name="job-limits", daemon=True),
            threading.Thread(target=self._do_chores, name="job-upkeep", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop both and wait for them, so that nothing is written after the worker has taken its leave."""
        self._closed.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _watch_limits(self) -> None:
        while not self._closed.wait(self._pace.limits):
            try:
                self._pool.enforce_limits(self._pace.grace)
            except Exception:
                logger.exception("the time limits of jobs could not be enforced; trying again")

    def _do_chores(self) -> None:
        due = [0.0 for _ in self._chores]
        while not self._closed.is_set():
            for place, (interval, chore) in enumerate(self._chores):
                if time.monotonic() >= due[place]:
                    due[place] = time.monotonic() + interval
                    self._do(chore)
            self._closed.wait(max(min(due) - time.monotonic(), 0.01))

    def _do(self, chore: Callable[[], None]) -> None:
        try:
            chore()
        except (RedisError, OSError) as error:
            self._outage.failed(error)
        except Exception:
            logger.exception("a chore of the worker failed; it is tried again")
