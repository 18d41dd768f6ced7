"""Small things that many tests share. No fixtures here: those are in conftest.py."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


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
