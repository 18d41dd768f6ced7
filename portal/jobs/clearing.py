"""Taking failed jobs off the list. Runs nothing, and changes no row: the list is for people."""

from typing import Any

from redis import Redis

from portal.errors import NotFoundError
from portal.jobs import keys
from portal.jobs.table import QUEUES

#: Records that one step takes off the list.
_BATCH = 500
#: Records that one click takes off the list.
MOST = 20_000


def forget(redis: Redis, queue: str, job_id: str) -> None:
    """Take one failed job off the list, ours or not. Runs nothing; rows stay as they are. Raises
    NotFoundError, RedisError."""
    if not redis.zrem(failed_key(queue), job_id):
        raise NotFoundError("This job is not among the failed ones any more. Nothing was done.")
    redis.delete(keys.job(job_id), keys.results(job_id))


def forget_all(redis: Redis) -> int:
    """Take all failed jobs off the list, up to `MOST`; returns how many. Runs nothing. Raises RedisError."""
    count = 0
    for queue in QUEUES:
        while count < MOST:
            taken: Any = redis.zpopmin(keys.failed(queue), _BATCH)
            if not taken:
                break
            ids = [job_id.decode(errors="replace") for job_id, _ in taken]
            redis.delete(*map(keys.job, ids), *map(keys.results, ids))
            count += len(ids)
    return count


def failed_key(queue: str) -> str:
    """Where the failed jobs of this queue are listed. Raises NotFoundError for a foreign queue."""
    if queue not in QUEUES:
        raise NotFoundError("There is no such queue. Nothing was done.")
    return keys.failed(queue)
