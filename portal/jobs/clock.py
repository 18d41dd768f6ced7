"""rq-scheduler as a mere clock: it suggests the jobs of the table, and a lease row decides whether one
runs.

Differences from the original, each for a fault that was measured: it outlives Redis, moves a job and its
next time in one step, removes only its own lock, and runs nothing that is not in the table, whatever
stands in Redis.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from redis import Redis, RedisError
from rq.utils import utcformat
from rq_scheduler import Scheduler

from portal.jobs import keys
from portal.jobs.engine.outage import Outage
from portal.jobs.periodic import Periodic
from portal.jobs.records import job_id, make_record
from portal.jobs.table import JOBS

logger = logging.getLogger(__name__)

#: Seconds between two repairs of the schedule; a missing entry is noticed at the next look already.
REPAIR = 60.0
#: Seconds after which a scheduler without a sign of life is off the list.
_FORGOTTEN = 600

_REMOVE_OWN_LOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end"


class Clock(Scheduler):  # type: ignore[misc]
    """`repair` makes the schedule in Redis match `entries`, whose keys are the ids of the schedule."""

    def __init__(
        self,
        connection: Redis,
        entries: Mapping[str, Periodic],
        repair: Callable[["Clock"], None],
        interval: float = 1.0,
    ) -> None:
        super().__init__(connection=connection, interval=interval)
        self._entries = entries
        self._repair = repair
        self._repaired_at = float("-inf")
        self._stopped = False
        self._outage = Outage(f"scheduler {self.name[:8]}")

    def run(self, burst: bool = False) -> None:
        """Look once per interval until a signal comes. Never ends because of Redis."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self.stop)
            signal.signal(signal.SIGINT, self.stop)
        logger.info("scheduler %s looks every %g s", self.name, self._interval)
        while not self._stopped:
            pause = self._look_safely()
            if burst:
                break
            time.sleep(pause)
        self._take_leave()

    def stop(self, _signum: int = 0, _frame: FrameType | None = None) -> None:
        self._stopped = True

    def look(self) -> None:
        """Repair what is missing and queue what is due. Raises RedisError."""
        self.heartbeat()
        if not self.acquire_lock():
            return
        try:
            if not self._is_whole() or time.monotonic() - self._repaired_at > REPAIR:
                self._repair(self)
                self._repaired_at = time.monotonic()
            self.enqueue_jobs()
        finally:
            self.remove_lock()

    def enqueue_jobs(self) -> None:
        now = datetime.now(UTC)
        due: Any = self.connection.zrangebyscore(self.scheduled_jobs_key, 0, now.timestamp())
        for each in due:
            entry = self._entries.get(each.decode(errors="replace"))
            if entry is None:
                self.connection.zrem(self.scheduled_jobs_key, each)
            else:
                self._suggest(each.decode(), entry, now)

    def _is_whole(self) -> bool:
        """Every entry is there, and none is due later than its rhythm allows: a clock that is put back would
        otherwise stop sweeps and position checks for as long as it had run ahead."""
        found: Any = self.connection.zrange(self.scheduled_jobs_key, 0, -1, withscores=True)
        due = {name.decode(errors="replace"): score for name, score in found}
        if due.keys() != self._entries.keys():
            return False
        now = datetime.now(UTC)
        late = [name for name, entry in self._entries.items() if due[name] > entry.latest(now).timestamp()]
        for name in late:
            logger.warning("%s was due too far ahead, as after a jump of the clock; it is due now", name)
            self.connection.zadd(self.scheduled_jobs_key, {name: now.timestamp()})
        return True

    def heartbeat(self) -> None:
        with self.connection.pipeline() as pipe:
            pipe.hset(self.key, "birth", time.time())
            pipe.expire(self.key, int(self._interval) + 10)
            pipe.zadd(keys.SCHEDULERS, {self.name: time.time()})
            pipe.zremrangebyscore(keys.SCHEDULERS, "-inf", time.time() - _FORGOTTEN)
            pipe.execute()

    def acquire_lock(self) -> bool:
        lease = int(self._interval) + 10
        self._lock_acquired = bool(self.connection.set(self.scheduler_lock_key, self.name, ex=lease, nx=True))
        return self._lock_acquired

    def remove_lock(self) -> None:
        if self._lock_acquired:
            self._lock_acquired = False
            self.connection.eval(_REMOVE_OWN_LOCK, 1, self.scheduler_lock_key, self.name)

    def _suggest(self, schedule_id: str, entry: Periodic, now: datetime) -> None:
        """Queue a tick in place of the one before, at the front, and note the next: all or nothing."""
        spec = JOBS[entry.name]
        tick_id = job_id(entry.name, (), str(int(now.timestamp())))
        previous: Any = self.connection.hget(keys.job(schedule_id), "last_tick")
        pipe = self.connection.pipeline()
        if previous:
            # While no worker takes them, ticks must not pile up.
            pipe.lrem(keys.queue(spec.queue), 0, previous)
        pipe.hset(keys.job(tick_id), mapping=make_record(entry.name, spec, (), utcformat(now)))
        pipe.expire(keys.job(tick_id), max(2 * entry.interval, 600))
        pipe.sadd(keys.QUEUES, keys.queue(spec.queue))
        pipe.lpush(keys.queue(spec.queue), tick_id)
        pipe.hset(keys.job(schedule_id), "last_tick", tick_id)
        pipe.zadd(self.scheduled_jobs_key, {schedule_id: entry.next(now).timestamp()})
        pipe.execute()

    def _look_safely(self) -> float:
        try:
            self.look()
        except (RedisError, OSError) as error:
            return self._outage.failed(error)
        except Exception:
            logger.exception("the scheduler could not look at its schedule; trying again")
        self._outage.worked()
        return float(self._interval)

    def _take_leave(self) -> None:
        try:
            self.register_death()
        except (RedisError, OSError):
            logger.info("scheduler %s leaves while Redis is away", self.name)
