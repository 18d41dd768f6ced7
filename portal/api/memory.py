"""Asking Redis for small things that a request can do without: it is asked once, briefly, and then left
alone."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from flask import Flask, current_app
from redis import Redis, RedisError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

#: Seconds without asking again after Redis did not answer, so that not every request waits for it.
QUIET = 2.0

_EXTENSION = "portal_short_memory"


class ShortMemory:
    """One Redis and whether it is worth asking. Safe to share between threads."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._quiet_until = 0.0

    def ask(self, work: Callable[[Redis], Result], *, otherwise: Result) -> Result:
        """What `work` says, or `otherwise` when Redis does not answer. Never raises for Redis."""
        if time.monotonic() < self._quiet_until:
            return otherwise
        try:
            return work(self._connection)
        except (RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + QUIET
            logger.warning(
                "Redis did not answer (%s): calls are not counted for a while", type(error).__name__
            )
            return otherwise


def init_app(app: Flask) -> None:
    app.extensions[_EXTENSION] = ShortMemory(app.extensions["portal_redis"])


def ask(work: Callable[[Redis], Result], *, otherwise: Result) -> Result:
    """`ShortMemory.ask` of the current app."""
    memory: ShortMemory = current_app.extensions[_EXTENSION]
    return memory.ask(work, otherwise=otherwise)
