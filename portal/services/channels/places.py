"""How a place outside is treated that does not answer: it is left alone for a growing time, by all processes,
and no worker gives it more than a few threads at once. Keeps its memory in Redis; sends nothing."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis, RedisError

logger = logging.getLogger(__name__)

#: So many messages in a row that were not answered in time, and the place is left alone.
_PATIENCE = 2
#: Seconds without messages: at first, and at most; each further one doubles them.
_FIRST_REST, _LONGEST_REST = 30, 300
#: Afterwards one message at a time tries it, for so many seconds.
_TRIAL = 15
_REMEMBER = 6 * 3600
#: Messages to one place that a process sends at once, and seconds that another waits for its turn.
_AT_ONCE, _WAIT = 2, 1.0


class PutOffError(Exception):
    """Not now: nothing was sent. The place may be tried again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__("the service did not answer in time; what waits is sent when it does")
        self.seconds = seconds


class Places:
    """What is known of all places. Safe to share between threads."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Semaphore] = {}

    @contextmanager
    def turn(self, place: str) -> Iterator[None]:
        """Inside, one message may be sent to `place`. Raises PutOffError when it is left alone, or busy."""
        self._ask(place)
        with self._lock:
            seats = self._busy.setdefault(place, threading.Semaphore(_AT_ONCE))
        if not seats.acquire(timeout=_WAIT):
            raise PutOffError(_TRIAL)
        try:
            yield
        finally:
            seats.release()

    def note_slow(self, place: str) -> None:
        """A message was not answered in time."""
        try:
            count = int(self._redis.incr(_key(place, "slow")))
            self._redis.expire(_key(place, "slow"), _REMEMBER)
            if count >= _PATIENCE:
                rest = min(_FIRST_REST * 2 ** (count - _PATIENCE), _LONGEST_REST)
                self._redis.set(_key(place, "rest"), 1, ex=rest)
        except RedisError:
            logger.warning("Redis is away: a slow service outside is not remembered")

    def note_answer(self, place: str) -> None:
        """A message was taken or refused, in time."""
        try:
            self._redis.delete(*(_key(place, what) for what in ("slow", "rest", "trial")))
        except RedisError:
            logger.warning("Redis is away: a service outside that answers again is not remembered")

    def _ask(self, place: str) -> None:
        try:
            rest = int(self._redis.ttl(_key(place, "rest")))
            if rest > 0:
                raise PutOffError(rest)
            slow = int(self._redis.get(_key(place, "slow")) or 0)
            trial = _key(place, "trial")
            if slow >= _PATIENCE and not self._redis.set(trial, 1, nx=True, ex=_TRIAL):
                raise PutOffError(_TRIAL)
        except RedisError:
            logger.warning("Redis is away: it is not known which services outside are slow")


def _key(place: str, what: str) -> str:
    return f"portal:outside:{place}:{what}"
