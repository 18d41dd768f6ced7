"""How often one token may call, in a fixed window of one minute kept in Redis. Fails open: without Redis
nobody is refused."""

import time

from redis import Redis

from portal.api import memory
from portal.api.errors import ApiError

WINDOW = 60
#: Calls per token and minute. TradingView sends at most 15 alerts in three minutes, and may send each again.
PER_MINUTE = {"hook": 120, "write": 600, "read": 3000}


def check(kind: str, token_id: int) -> None:
    """Count this call. Raises 429 when it is one too many."""
    now = time.time()
    key = f"portal:rate:{kind}:{token_id}:{int(now // WINDOW)}"
    if memory.ask(lambda redis: _count(redis, key), otherwise=0) > PER_MINUTE[kind]:
        wait = WINDOW - int(now % WINDOW)
        raise ApiError(
            429,
            "too_many_requests",
            f"More than {PER_MINUTE[kind]} calls came in this minute with this token. This one was not done; "
            f"try again in {wait} seconds.",
            headers={"Retry-After": str(wait)},
        )


def _count(redis: Redis, key: str) -> int:
    pipe = redis.pipeline(transaction=False)
    pipe.incr(key)
    pipe.expire(key, 2 * WINDOW)
    return int(pipe.execute()[0])
