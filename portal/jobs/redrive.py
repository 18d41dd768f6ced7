"""Asking for a failed job again. The record in Redis is never run again: a job of the table is asked for
anew, with the same row ids, in the queue of the table.
"""

from typing import Any

from redis import Redis

from portal.errors import ConflictError, NotFoundError
from portal.jobs import keys
from portal.jobs.clearing import failed_key
from portal.jobs.engine.allowlist import Allowlist, Call, RefusedError
from portal.jobs.kinds import kind_of
from portal.jobs.records import add_jobs
from portal.jobs.table import JOBS

_ALLOWED = Allowlist(JOBS)


def redrive(redis: Redis, queue: str, job_id: str) -> Call:
    """Ask once more for what a failed job was asked for, and take it off the list, in one step: of two clicks
    one counts. Returns what was asked for. Raises NotFoundError, ConflictError (it is none of ours, or it
    comes again by itself), RedisError.
    """
    failed = failed_key(queue)
    found: list[Call] = []

    def ask(pipe: Any) -> None:
        if pipe.zscore(failed, job_id) is None:
            raise NotFoundError(
                "This job is not among the failed ones any more: it was asked for again, or cleared."
                " Nothing was done."
            )
        call = _call(pipe.hget(keys.job(job_id), "data"))
        pipe.multi()
        pipe.zrem(failed, job_id)
        pipe.delete(keys.job(job_id), keys.results(job_id))
        add_jobs(pipe, call.name, call.spec, [call.ids])
        found[:] = [call]

    redis.transaction(ask, failed)
    return found[0]


def _call(data: bytes | None) -> Call:
    try:
        call = _ALLOWED.resolve(data or b"")
    except RefusedError:
        raise ConflictError(
            "This is none of our jobs, and is never run. Nothing was done; it can only be taken off the list."
        ) from None
    kind = kind_of(call.name)
    if not kind.again:
        raise ConflictError(f"This job is not asked for by hand. {kind.afterwards}")
    return call
