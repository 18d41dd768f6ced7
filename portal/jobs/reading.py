"""The overview of the queues, read from Redis. Bounded: counts, and the first few of each; never a whole
queue. Changes nothing and asks no database.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redis import Redis, RedisError
from rq.results import Result
from rq.serializers import JSONSerializer

from portal.jobs import keys
from portal.jobs.decoding import as_moment, as_text, as_time
from portal.jobs.engine.allowlist import Allowlist, RefusedError
from portal.jobs.overview import Entry, Failed, Line, Overview, Planned, Running
from portal.jobs.presences import read_workers
from portal.jobs.table import JOBS, QUEUES
from portal.logs import scrub

#: Jobs of each queue that are shown while they wait, run, are planned.
FIRST = 10
#: Failed jobs of each queue that are shown, the newest first.
FAILURES = 25
_LONGEST_TEXT = 20_000
_LONGEST_NAME = 100
_ALLOWED = Allowlist(JOBS)


def look(redis: Redis) -> Overview:
    """Read it all, in four round trips. Raises RedisError."""
    found = [_QueueRead(name, *answers) for name, answers in zip(QUEUES, _ends(redis), strict=True)]
    wanted = [(each.name, job_id) for each in found for job_id in each.job_ids()]
    records = _records(redis, dict.fromkeys(wanted))
    entries = {key: _entry(*key, record) for key, record in records.items()}
    failed = [(each.name, job_id) for each in found for job_id in each.failed]
    texts = _texts(redis, [job_id for _, job_id in failed])
    failures = [
        Failed(entries[key], as_time(records[key][3]), text) for key, text in zip(failed, texts, strict=True)
    ]
    return Overview(
        lines=tuple(each.line(entries) for each in found),
        waiting=tuple(entries[each.name, job_id] for each in found for job_id in each.waiting),
        running=tuple(
            _running(entries[each.name, job_id], records[each.name, job_id])
            for each in found
            for job_id in each.started
        ),
        planned=tuple(
            Planned(entries[each.name, job_id], due) for each in found for job_id, due in each.planned
        ),
        failed=tuple(sorted(failures, key=_newest_first)),
        workers=read_workers(redis),
    )


@dataclass(frozen=True, slots=True)
class _QueueRead:
    """The counts and the first ids of one queue, as Redis gave them."""

    name: str
    counts: tuple[int, int, int, int]
    waiting: tuple[str, ...]
    started: tuple[str, ...]
    planned: tuple[tuple[str, datetime], ...]
    failed: tuple[str, ...]

    def job_ids(self) -> Iterable[str]:
        return (*self.waiting, *self.started, *(job_id for job_id, _ in self.planned), *self.failed)

    def line(self, entries: dict[tuple[str, str], Entry]) -> Line:
        asked = (entries[self.name, job_id].asked_at for job_id in self.waiting)
        waiting, running, planned, failed = self.counts
        return Line(self.name, waiting, min(filter(None, asked), default=None), running, planned, failed)


def _ends(redis: Redis) -> list[tuple[Any, ...]]:
    """For each queue what `_QueueRead` holds behind its name."""
    pipe = redis.pipeline(transaction=False)
    for name in QUEUES:
        pipe.llen(keys.queue(name))
        pipe.zcard(keys.started(name))
        pipe.zcard(keys.scheduled(name))
        pipe.zcard(keys.failed(name))
        pipe.lrange(keys.queue(name), 0, FIRST - 1)
        pipe.zrange(keys.started(name), 0, FIRST - 1)
        pipe.zrange(keys.scheduled(name), 0, FIRST - 1, withscores=True)
        pipe.zrevrange(keys.failed(name), 0, FAILURES - 1)
    answers = pipe.execute()
    return [_end(*answers[start : start + 8]) for start in range(0, len(answers), 8)]


def _end(waiting: int, running: int, planned: int, failed: int, *ids: Any) -> tuple[Any, ...]:
    queued, started, scheduled, failures = ids
    return (
        (int(waiting), int(running), int(planned), int(failed)),
        tuple(as_text(each) for each in queued),
        tuple(as_text(each).partition(":")[0] for each in started),
        tuple((as_text(each), as_moment(score)) for each, score in scheduled),
        tuple(as_text(each) for each in failures),
    )


_FIELDS = ("data", "description", "enqueued_at", "ended_at", "started_at", "worker_name")
_Record = Sequence[bytes | None]


def _records(redis: Redis, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], _Record]:
    pipe = redis.pipeline(transaction=False)
    places = list(wanted)
    for _, job_id in places:
        pipe.hmget(keys.job(job_id), *_FIELDS)
    # Somebody else's key under such a name must not hide all the others.
    answers = pipe.execute(raise_on_error=False)
    nothing: _Record = (None,) * len(_FIELDS)
    return {
        place: nothing if isinstance(answer, RedisError) else answer
        for place, answer in zip(places, answers, strict=True)
    }


def _entry(queue: str, job_id: str, record: _Record) -> Entry:
    data, description, asked_at, *_ = record
    try:
        call = _ALLOWED.resolve(data or b"")
    except RefusedError:
        called = scrub(as_text(description or b""))[:_LONGEST_NAME]
        return Entry(job_id, queue, "", (), as_time(asked_at), called)
    return Entry(job_id, queue, call.name, call.ids, as_time(asked_at))


def _running(entry: Entry, record: _Record) -> Running:
    since = as_time(record[4])
    spec = JOBS.get(entry.name)
    until = since + timedelta(seconds=spec.timeout) if since and spec else None
    return Running(entry, as_text(record[5] or b""), since, until)


def _texts(redis: Redis, job_ids: Sequence[str]) -> list[str]:
    """What the worker wrote down last about each."""
    pipe = redis.pipeline(transaction=False)
    for job_id in job_ids:
        pipe.xrevrange(keys.results(job_id), count=1)
    answers = pipe.execute(raise_on_error=False)
    return [_result(redis, () if isinstance(answer, RedisError) else answer) for answer in answers]


def _result(redis: Redis, answer: Sequence[tuple[bytes, Any]]) -> str:
    if not answer:
        return ""
    try:
        [(result_id, payload)] = answer
        found = Result.restore("", result_id.decode(), payload, redis, JSONSerializer)
    except (ValueError, KeyError, zlib.error):
        return ""
    return scrub(str(found.exc_string or "")[:_LONGEST_TEXT])


def _newest_first(failed: Failed) -> float:
    return -failed.ended_at.timestamp() if failed.ended_at else 0
