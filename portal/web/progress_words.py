"""A test that somebody asked for, in words: its steps, what it waits for, and what to change. Shared by the
panel and the portal pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from redis import RedisError

from portal.db import utcnow
from portal.jobs import presences
from portal.models import ExecutionConnection
from portal.services import connections_progress
from portal.services.connections_progress import Passed, Progress, Step
from portal.web import obstacles

STEPS = {
    Step.ASKED: "Asked for",
    Step.TAKEN: "A worker took it",
    Step.KEY_READ: "The key was read, the exchange is asked",
    Step.ANSWERED: "The exchange answered",
    Step.WORKS: "It works",
    Step.FAILED: "It does not work",
    Step.HELD_BACK: "Not tested now",
}
#: What to change, by the code with which a reason begins.
_ADVICE = {
    "AUTHENTICATION_FAILED": "The exchange does not know this key, or the secret is not its own. Enter both "
    "again, or make a new key; a key of a test net works nowhere else.",
    "PERMISSION_DENIED": "The key lacks a right, or is bound to other addresses. At the exchange, allow "
    "reading and trading, and the addresses of the workers.",
    "ACCOUNT_SUSPENDED": "The exchange has stopped this account. Ask its support.",
    "CLOCK_OUTSIDE_WINDOW": "The clocks differ too much. An administrator has to run a time service.",
}  # fmt: skip
_PASSING = ("TIMEOUT", "NETWORK", "UNAVAILABLE", "MAINTENANCE", "RATE_LIMITED", "BAD_ANSWER")
_WAIT = "Nothing to change: the exchange does not answer as it should. It is asked again every five minutes."
_LOST = "Nothing came of it within two minutes. Test again; if that does not help, tell an administrator."
_NO_WORKER = "No worker is running, so nobody tests it. An administrator has to start one: portal worker."


@dataclass(frozen=True, slots=True)
class Stage:
    """One step: when it came, how long after the one before, and what was said."""

    label: str
    at: datetime
    after: str
    said: str


@dataclass(frozen=True, slots=True)
class Shown:
    """While `is_running` the page asks again."""

    steps: tuple[Stage, ...]
    sentence: str
    tone: str
    is_running: bool


def last_test(connection: ExecutionConnection) -> Shown | None:
    """The test of the past hour, as far as it is; None without one. Asks Redis."""
    found = connections_progress.read(connection.id)
    if found is None:
        return None
    steps = tuple(
        _stage(each, before) for before, each in zip((None, *found.steps), found.steps, strict=False)
    )
    running = not found.is_over and not found.is_lost(utcnow())
    sentence, tone = _result(connection, found) if found.is_over else _waiting(found)
    return Shown(steps, sentence, tone, running)


def advice(reason: str) -> str:
    """What to change after a failed test; empty when the reason says it itself."""
    code = reason.partition(":")[0]
    return _WAIT if code in _PASSING else _ADVICE.get(code, "")


def _stage(each: Passed, before: Passed | None) -> Stage:
    seconds = (each.at - before.at).total_seconds() if before is not None else 0
    # What went wrong is the sentence above the steps.
    said = each.said if each.step is Step.ANSWERED else ""
    return Stage(STEPS[each.step], each.at, f"{max(0, round(seconds * 1000)):,} ms", said)


def _result(connection: ExecutionConnection, found: Progress) -> tuple[str, str]:
    said = found.last.said
    if found.last.step is Step.FAILED:
        return f"{said} {advice(said)}".strip(), "bad"
    if found.last.step is Step.HELD_BACK:
        return f"{said} It is tested with the next check, within minutes.", "warn"
    if not connection.is_active:
        return "It works. It is switched off, so no signal reaches it.", "good"
    if why_not := obstacles.of(connection):
        return f"It works. But: {why_not[0]}", "warn"
    return "It works, and takes part in the next signal.", "good"


def _waiting(found: Progress) -> tuple[str, str]:
    if found.last.step is Step.ASKED and _workers() == 0:
        return _NO_WORKER, "warn"
    if found.is_lost(utcnow()):
        return _LOST, "warn"
    if found.last.step is Step.ASKED:
        return "It waits for a worker.", ""
    return "It is being tested. This takes a few seconds.", ""


def _workers() -> int | None:
    """Workers that gave a sign of life lately; None when Redis is away."""
    redis: Any = current_app.extensions["portal_redis"]
    try:
        return presences.count_workers(redis, utcnow())
    except RedisError:
        return None
