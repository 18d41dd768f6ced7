"""How far a test that somebody asked for has come, step by step, for the page that shows it.

Kept in Redis for an hour: what the test found is in the rows. Without Redis nobody watches, and the test runs
all the same."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import current_app
from redis import RedisError

from portal.db import request_job, utcnow

logger = logging.getLogger(__name__)

_KEPT = timedelta(hours=1)
#: A test that says nothing for so long will not end any more.
_PATIENCE = timedelta(minutes=2)


class Step(StrEnum):
    """In the order in which they come; the last three are ends."""

    ASKED = "asked"
    TAKEN = "taken"
    KEY_READ = "key_read"
    ANSWERED = "answered"
    WORKS = "works"
    FAILED = "failed"
    HELD_BACK = "held_back"


_ENDS = (Step.WORKS, Step.FAILED, Step.HELD_BACK)


@dataclass(frozen=True, slots=True)
class Passed:
    """One step that was taken; `said` is what came of it, scrubbed."""

    step: Step
    at: datetime
    said: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps so far, the first one first."""

    steps: tuple[Passed, ...]

    @property
    def last(self) -> Passed:
        return self.steps[-1]

    @property
    def is_over(self) -> bool:
        return self.last.step in _ENDS

    def is_lost(self, now: datetime) -> bool:
        """Whether nothing has come of it for too long."""
        return not self.is_over and now - self.last.at > _PATIENCE


def ask_for_test(connection_id: int) -> None:
    """Ask a worker to test the connection when the running transaction commits, and begin to watch."""
    # Before the commit: a worker may take it the moment after.
    begin(connection_id)
    request_job("test_connection", connection_id)


def begin(connection_id: int) -> None:
    """A test was asked for: what is known of an earlier one is forgotten. Never fails."""
    with _redis() as redis:
        redis.pipeline().delete(_key(connection_id)).rpush(_key(connection_id), _line(Step.ASKED, "")).expire(
            _key(connection_id), _KEPT
        ).execute()


@dataclass(frozen=True, slots=True)
class Watch:
    """Where a test says how far it is; without an id nobody asked for it, and nothing is kept."""

    connection_id: int | None

    def note(self, step: Step, said: str = "") -> None:
        """One step more. Never fails."""
        if self.connection_id is not None:
            with _redis() as redis:
                redis.rpushx(_key(self.connection_id), _line(step, said))


def read(connection_id: int) -> Progress | None:
    """The steps of the last test of the past hour; None without one, or without Redis."""
    lines: list[bytes] = []
    with _redis() as redis:
        lines = redis.lrange(_key(connection_id), 0, -1)
    steps: list[Passed] = []
    for line in lines:
        passed = _passed(line)
        # Somebody else, such as a refused order, may have asked for another one.
        steps = [passed] if steps and steps[-1].step in _ENDS else [*steps, passed]
    return Progress(tuple(steps)) if steps else None


def _key(connection_id: int) -> str:
    return f"portal:test:{connection_id}"


def _line(step: Step, said: str) -> str:
    return json.dumps([step.value, utcnow().isoformat(), said[:500]])


def _passed(line: bytes) -> Passed:
    step, at, said = json.loads(line)
    return Passed(Step(step), datetime.fromisoformat(at), said)


@contextmanager
def _redis() -> Iterator[Any]:
    try:
        yield current_app.extensions["portal_redis"]
    except RedisError as error:
        logger.warning("the progress of a connection test is not shown: %s", error)
