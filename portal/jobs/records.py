"""How a job is written into Redis: RQ's own hash, reduced to the fields that RQ and its dashboard read.

RQ writes 17 fields and three commands per job; a fan-out to a thousand connections takes it four times
as long. Only names and row ids go in, never a secret. Sends nothing: the caller brings the pipeline.
"""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from rq.job import JobStatus
from rq.utils import utcformat

from portal.jobs import keys
from portal.jobs.table import JobSpec

#: A job that nobody ran disappears after a day; the sweeper asked for it again long before.
QUEUED_TTL = 24 * 3600
#: How long a finished job stays on the dashboard.
RESULT_TTL = 600
#: How long a failed job stays on the dashboard.
FAILURE_TTL = 7 * 24 * 3600

Record = dict[str, str | int]


def job_id(name: str, ids: Sequence[int], suffix: str) -> str:
    """`run-execution-42-5f3a9c01`: readable, legal for RQ, and different each time, because two queue entries
    with one id would share one record."""
    return "-".join((name.replace("_", "-"), *map(str, ids), suffix))


def fresh_suffix() -> str:
    return os.urandom(4).hex()


def make_record(name: str, spec: JobSpec, ids: Sequence[int], created_at: str) -> Record:
    record: Record = {
        "data": json.dumps([spec.function, None, list(ids), {}]),
        "description": f"{name}({', '.join(map(str, ids))})",
        "origin": spec.queue,
        "timeout": spec.timeout,
        "result_ttl": RESULT_TTL,
        "failure_ttl": FAILURE_TTL,
        "created_at": created_at,
        "enqueued_at": created_at,
        "status": JobStatus.QUEUED.value,
    }
    if spec.retry_delays:
        record["retries_left"] = len(spec.retry_delays)
        record["retry_intervals"] = json.dumps(spec.retry_delays)
    return record


def add_jobs(
    pipe: Any, name: str, spec: JobSpec, groups: Iterable[Sequence[int]], after: timedelta = timedelta(0)
) -> None:
    """Queue one job per group of ids, in order, now or `after` now. Records first, so that nobody pops an id
    without a record."""
    now = datetime.now(UTC)
    created_at = utcformat(now)
    job_ids = []
    for ids in groups:
        job_ids.append(job_id(name, ids, fresh_suffix()))
        key = keys.job(job_ids[-1])
        pipe.hset(key, mapping=make_record(name, spec, ids, created_at))
        pipe.expire(key, QUEUED_TTL)
    pipe.sadd(keys.QUEUES, keys.queue(spec.queue))
    if spec.spread_seconds and len(job_ids) > 1:
        step = spec.spread_seconds / len(job_ids)
        start = (now + after).timestamp()
        due = {job: start + step * place for place, job in enumerate(job_ids)}
        pipe.zadd(keys.scheduled(spec.queue), due)
    elif job_ids and after:
        pipe.zadd(keys.scheduled(spec.queue), dict.fromkeys(job_ids, (now + after).timestamp()))
    elif job_ids:
        pipe.rpush(keys.queue(spec.queue), *job_ids)
