"""How often one token may call, in a fixed window of one minute kept in Redis. Fails open: without Redis
nobody is refused."""

import logging
import time

from flask import Flask, current_app
from redis import Redis, RedisError

from portal.api.errors import ApiError

logger = logging.getLogger(__name__)

WINDOW = 60
#: Calls per token and minute. TradingView sends at most 15 alerts in three minutes, and may send each again.
PER_MINUTE = {"hook": 120, "write": 600, "read": 3000}
#: Seconds without asking Redis again after it did not answer, so that only one request waits for it.
QUIET = 2.0

_EXTENSION = "portal_rate_limiter"


class RateLimiter:
    """Counts in Redis. Safe to share between threads."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._quiet_until = 0.0

    def count(self, kind: str, token_id: int, now: float) -> int:
        """How often the token has called in this window, this call included; 0 when Redis does not say."""
        if time.monotonic() < self._quiet_until:
            return 0
        key = f"portal:rate:{kind}:{token_id}:{int(now // WINDOW)}"
        try:
            pipe = self._connection.pipeline(transaction=False)
            pipe.incr(key)
            pipe.expire(key, 2 * WINDOW)
            return int(pipe.execute()[0])
        except (RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + QUIET
            logger.warning("calls are not counted: Redis did not answer (%s)", type(error).__name__)
            return 0


def init_app(app: Flask) -> None:
    app.extensions[_EXTENSION] = RateLimiter(app.extensions["portal_redis"])


def check(kind: str, token_id: int) -> None:
    """Count this call. Raises 429 when it is one too many."""
    limiter: RateLimiter = current_app.extensions[_EXTENSION]
    now = time.time()
    if limiter.count(kind, token_id, now) > PER_MINUTE[kind]:
        wait = WINDOW - int(now % WINDOW)
        raise ApiError(
            429,
            "too_many_requests",
            f"More than {PER_MINUTE[kind]} calls came in this minute with this token. This one was not "
            f"done; try again "
            f"in {wait} seconds.",
            headers={"Retry-After": str(wait)},
        )
