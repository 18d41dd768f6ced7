"""Warm exchange objects, each lent to one thread at a time. Sockets are not kept here: they belong to the
process.

An object is found again by connection and by everything that decides how it speaks, so a rotated key or a
changed setting never meets an old client.
"""

import hashlib
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.exchanges.registry import ExchangeSpec, one_at_a_time, open_exchange


@dataclass(slots=True)
class _Shelf:
    """The objects of one connection. Guarded by the pool's lock, all but `turn`."""

    connection_id: int
    fingerprint: bytes
    idle: list[Exchange] = field(default_factory=list)
    lent: int = 0
    used_at: float = 0.0
    #: Held while an object is lent, on venues whose requests must arrive in order.
    turn: threading.Lock = field(default_factory=threading.Lock)


class ExchangePool:
    """At most `max_connections` shelves; the longest unused go first, and any unused for `idle_seconds`.

    Two threads on one connection get two objects (an object is cheap and keeps state during a call),
    except on venues where requests of a key must arrive in the order of their nonces: there the second
    thread waits.
    """

    def __init__(
        self,
        *,
        max_connections: int = 2000,
        idle_seconds: float = 900.0,
        opener: Callable[[ExchangeSpec], Exchange] = open_exchange,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max = max_connections
        self._idle_seconds = idle_seconds
        self._open = opener
        self._clock = clock
        self._lock = threading.Lock()
        self._shelves: OrderedDict[int, _Shelf] = OrderedDict()
        self._salt = secrets.token_bytes(16)

    @contextmanager
    def use(self, connection_id: int, spec: ExchangeSpec) -> Iterator[Exchange]:
        """An object for `spec`, for this thread alone until the block ends. Raises what `open_exchange`
        raises.
        """
        shelf = self._shelf(connection_id, self._fingerprint(spec))
        if one_at_a_time(spec.exchange_name):
            with shelf.turn:
                yield from self._lend(shelf, spec)
        else:
            yield from self._lend(shelf, spec)

    def forget(self, connection_id: int) -> None:
        """Drop the idle objects of a connection, after it was disabled or deleted. May be repeated."""
        with self._lock:
            shelf = self._shelves.pop(connection_id, None)
            dropped = _empty(shelf) if shelf else []
        _close(dropped)

    def close(self) -> None:
        """Drop everything idle. What is lent is dropped when it comes back."""
        with self._lock:
            dropped = [exchange for shelf in self._shelves.values() for exchange in _empty(shelf)]
            self._shelves.clear()
        _close(dropped)

    def __len__(self) -> int:
        """Connections that have an object here."""
        with self._lock:
            return len(self._shelves)

    def _shelf(self, connection_id: int, fingerprint: bytes) -> _Shelf:
        with self._lock:
            shelf = self._shelves.get(connection_id)
            dropped: list[Exchange] = []
            if shelf is None or shelf.fingerprint != fingerprint:
                dropped = _empty(shelf) if shelf else []
                shelf = self._shelves[connection_id] = _Shelf(connection_id, fingerprint)
            shelf.lent += 1
            shelf.used_at = self._clock()
            self._shelves.move_to_end(connection_id)
            dropped += self._evict()
        _close(dropped)
        return shelf

    def _lend(self, shelf: _Shelf, spec: ExchangeSpec) -> Iterator[Exchange]:
        exchange: Exchange | None = None
        try:
            with self._lock:
                exchange = shelf.idle.pop() if shelf.idle else None
            exchange = exchange or self._open(spec)
            yield exchange
        except ExchangeError:
            raise  # an ordinary answer of a venue; the object is fine
        except BaseException:
            # Something interrupted a call: what the object remembers of it is not worth keeping.
            if exchange is not None:
                exchange.close()
                exchange = None
            raise
        finally:
            self._take_back(shelf, exchange)

    def _take_back(self, shelf: _Shelf, exchange: Exchange | None) -> None:
        with self._lock:
            shelf.lent -= 1
            shelf.used_at = self._clock()
            current = self._shelves.get(shelf.connection_id) is shelf
            if exchange is not None and current:
                shelf.idle.append(exchange)
        if exchange is not None and not current:
            exchange.close()

    def _evict(self) -> list[Exchange]:
        """Shelves that are too many or unused for too long, oldest first. The lock is held."""
        now = self._clock()
        dropped: list[Exchange] = []
        gone: list[int] = []
        for connection_id, shelf in self._shelves.items():
            too_many = len(self._shelves) - len(gone) > self._max
            if not too_many and now - shelf.used_at <= self._idle_seconds:
                break
            if shelf.lent == 0:
                gone.append(connection_id)
                dropped += _empty(shelf)
        for connection_id in gone:
            del self._shelves[connection_id]
        return dropped

    def _fingerprint(self, spec: ExchangeSpec) -> bytes:
        parts = (
            spec.exchange_name,
            spec.mode.value,
            spec.base_url,
            spec.market_name,
            spec.timeout_seconds,
            sorted(spec.credentials.values.items()),
            sorted((name, repr(value)) for name, value in spec.settings.items()),
        )
        return hashlib.blake2b(json.dumps(parts).encode(), key=self._salt, digest_size=16).digest()


def _empty(shelf: _Shelf) -> list[Exchange]:
    taken, shelf.idle = shelf.idle, []
    return taken


def _close(exchanges: list[Exchange]) -> None:
    for exchange in exchanges:
        exchange.close()
