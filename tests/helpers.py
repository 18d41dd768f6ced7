"""Small things that many tests share. No fixtures here: those are in conftest.py."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from types import ModuleType
from typing import NoReturn, TypeVar

import pytest
from flask import Flask

from portal.db import end_read
from portal.exchanges.sandbox.client import SandboxControl

Found = TypeVar("Found")

#: What the practice exchange can be asked about orders.
ORDER_QUESTIONS = ("query", "openOrders", "allOrders", "myTrades")


def eventually(
    predicate: Callable[[], Found], *, timeout: float = 10.0, interval: float = 0.02, what: str = ""
) -> Found:
    """Poll until `predicate` is truthy and return what it said; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what or predicate}; last seen: {found!r}")
        time.sleep(interval)


def at_once(app: Flask, works: Sequence[Callable[[], Found]], *, threads: int | None = None) -> list[Found]:
    """Do all of `works`, each in a thread and with a database session of its own: at the same moment, or with
    no more than `threads` at a time. Returns what they answered, in order, or raises what one of them did."""
    end_read()
    gate = Barrier(len(works) if threads is None else 1)

    def one(work: Callable[[], Found]) -> Found:
        with app.app_context():
            gate.wait(30)
            return work()

    with ThreadPoolExecutor(threads or len(works)) as pool:
        return list(pool.map(one, works))


@contextmanager
def dying_at(module: ModuleType, name: str) -> Iterator[None]:
    """Whoever calls `module.name` within the block does not come back from it, and the block ends there: the
    worker died before that step. It is an error when nobody calls it."""

    def die(*_: object, **__: object) -> NoReturn:
        raise SystemExit(9)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(module, name, die)
        yield


def silence(sandbox: SandboxControl, **rule: object) -> list[int]:
    """From now on the exchange answers no question about orders (of one account, if `rule` names it), so that
    what was sent stays unknown. Returns the ids of the faults."""
    return [sandbox.add_fault("http_before", endpoint, status=503, **rule) for endpoint in ORDER_QUESTIONS]
