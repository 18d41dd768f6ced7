"""How many jobs wait in each queue. Reads Redis, changes nothing."""

from typing import Any

from portal.jobs import keys
from portal.jobs.table import QUEUES


def waiting(redis: Any) -> dict[str, int]:
    """Jobs per queue, most urgent queue first. Raises RedisError."""
    pipe = redis.pipeline(transaction=False)
    for name in QUEUES:
        pipe.llen(keys.queue(name))
    return {name: int(length) for name, length in zip(QUEUES, pipe.execute(), strict=True)}
