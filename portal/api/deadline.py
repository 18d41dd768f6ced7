"""Answering in time whatever hangs behind us: the work runs in a thread of its own, and the database gives up
before the caller does."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Thread
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy import event

from portal.api.errors import unavailable
from portal.db import db

Result = TypeVar("Result")

#: More than a web server has threads, so that only work that hangs can use them up.
_places = BoundedSemaphore(64)
_deadline: ContextVar[float | None] = ContextVar("portal_deadline", default=None)


def init_app(app: Flask) -> None:
    """Let every transaction of work with a deadline tell PostgreSQL how long it may take."""
    with app.app_context():
        event.listen(db.engine, "begin", _limit_statements)


def run_within(seconds: float, work: Callable[[], Result]) -> Result:
    """The result of `work`, which runs in another thread with an application context of its own and no
    request. Raises what it raises, and 503 when it is not done in time.

    A statement that would outlive the deadline is canceled by PostgreSQL and its transaction rolled back.
    Only a server that froze in the middle of a commit can still finish after the 503; repeats must therefore
    be harmless.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    until = time.monotonic() + seconds
    outcome: SimpleQueue[tuple[bool, Any]] = SimpleQueue()

    def run() -> None:
        # The database gives up a little earlier, so that its answer is the one that is given.
        _deadline.set(until - seconds / 10)
        done: tuple[bool, Any]
        try:
            with app.app_context():
                done = True, work()
        except BaseException as error:  # it belongs to whoever waits
            done = False, error
        finally:
            _places.release()
        outcome.put(done)

    if not _places.acquire(timeout=seconds):
        raise unavailable()
    # A daemon: work that hangs must not keep the process from ending.
    Thread(target=run, name="deadline", daemon=True).start()
    try:
        succeeded, value = outcome.get(timeout=max(0.0, until - time.monotonic()))
    except Empty:
        raise unavailable() from None
    if not succeeded:
        raise value
    result: Result = value
    return result


def _limit_statements(connection: sa.Connection) -> None:
    deadline = _deadline.get()
    if deadline is None:
        return
    left = max(1, int((deadline - time.monotonic()) * 1000))
    connection.execute(sa.text("SELECT set_config('statement_timeout', :left, true)"), {"left": str(left)})
