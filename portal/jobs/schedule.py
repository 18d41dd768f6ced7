"""The schedule in Redis, made to match the table of periodic jobs, and the process that keeps it so."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from rq.job import JobStatus
from rq.utils import utcformat

from portal.jobs import keys
from portal.jobs.clock import Clock
from portal.jobs.fitness import require_redis
from portal.jobs.periodic import PERIODIC, Periodic
from portal.jobs.queues import connect
from portal.jobs.serializing import refuse_pickle
from portal.jobs.table import JOBS

logger = logging.getLogger(__name__)


def schedule_id(name: str) -> str:
    """Fixed, so that a second start does not schedule a second time."""
    return f"schedule-{name.replace('_', '-')}"


def entries(periodic: Sequence[Periodic] = PERIODIC) -> Mapping[str, Periodic]:
    return {schedule_id(entry.name): entry for entry in periodic}


def sync_schedule(clock: Clock, periodic: Sequence[Periodic] = PERIODIC) -> None:
    """Make Redis match the table: add what is missing, repair what differs, remove the rest, leave what is
    right. Raises RedisError. May be repeated at any time."""
    wanted = entries(periodic)
    found: Any = clock.connection.zrange(clock.scheduled_jobs_key, 0, -1)
    present = {each.decode(errors="replace"): each for each in found}
    for stale in present.keys() - wanted.keys():
        clock.connection.zrem(clock.scheduled_jobs_key, present[stale])
        clock.connection.delete(keys.job(stale))
        logger.info("the schedule had %s, which is no periodic job; it was removed", ascii(stale))
    for name, entry in wanted.items():
        if name not in present or not _matches(clock, name, entry):
            _write(clock, name, entry)
            logger.info("%s was scheduled", entry.name)


def run_scheduler(app: Flask, interval: float = 1.0) -> int:
    """Suggest periodic jobs until SIGTERM or SIGINT; the answer is the exit code. Any number may run. Raises
    ConfigError when this Redis may throw jobs away."""
    refuse_pickle()
    require_redis(app)
    connection = connect(app.extensions["portal_settings"].redis_url, timeout=5)
    Clock(connection, entries(), sync_schedule, interval).run()
    return 0


def _matches(clock: Clock, name: str, entry: Periodic) -> bool:
    wanted = _record(entry)
    stored: Any = clock.connection.hmget(keys.job(name), list(wanted))
    return [value and value.decode(errors="replace") for value in stored] == list(wanted.values())


def _write(clock: Clock, name: str, entry: Periodic) -> None:
    now = datetime.now(UTC)
    pipe = clock.connection.pipeline()
    pipe.delete(keys.job(name))
    pipe.hset(keys.job(name), mapping={**_record(entry), "created_at": utcformat(now)})
    pipe.zadd(clock.scheduled_jobs_key, {name: entry.first(now).timestamp()})
    pipe.execute()


def _record(entry: Periodic) -> dict[str, str]:
    """What rq-scheduler keeps of a periodic job, so that its own tools can show it."""
    rhythm = {"cron_string": entry.cron} if entry.cron else {"interval": entry.interval}
    return {
        "data": json.dumps([JOBS[entry.name].function, None, [], {}]),
        "description": f"{entry.name}()",
        "origin": entry.queue,
        "meta": json.dumps(rhythm),
        "status": JobStatus.SCHEDULED.value,
    }
