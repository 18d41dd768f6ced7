"""Requests that no call of an account names: market tables and clocks, read once for everybody. Counted here
until the shared budget takes them."""

import threading
from collections import Counter

_lock = threading.Lock()
_tables: Counter[str] = Counter()
_clocks: Counter[str] = Counter()


def note_table(exchange_name: str) -> None:
    """A market table was asked for."""
    with _lock:
        _tables[exchange_name] += 1


def note_clock(exchange_name: str) -> None:
    """A clock was asked for."""
    with _lock:
        _clocks[exchange_name] += 1


def take(exchange_name: str) -> tuple[int, int]:
    """How many tables and clocks of this exchange were read since somebody last asked, by this process."""
    with _lock:
        return _tables.pop(exchange_name, 0), _clocks.pop(exchange_name, 0)
