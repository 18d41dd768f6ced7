"""One market table and one clock offset per exchange, URL and process, shared by every account there.

The first account to come loads them with a client that has no credentials; the others wait for it.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.exchanges import unpaid
from portal.exchanges.base import Credentials
from portal.exchanges.ccxt_client import build_template, copy_client
from portal.exchanges.ccxt_clock import measure
from portal.exchanges.ccxt_instruments import to_instruments
from portal.exchanges.venues import Venue
from portal.trading.instrument import Instrument

#: A table is renewed after this long without being asked to.
MAX_AGE_SECONDS = 3600
#: It is never loaded more often than this, whatever goes wrong.
MIN_AGE_SECONDS = 60
#: Clocks drift by a few milliseconds a minute.
CLOCK_MAX_AGE_SECONDS = 900
#: A clock that is doubted while it is read is read once more, and not for ever.
_MEASURES_AT_MOST = 2

#: What ccxt itself derives from the markets and reads afterwards.
_SHARED = (
    "markets", "markets_by_id", "symbols", "ids", "currencies", "currencies_by_id", "baseCurrencies",
    "quoteCurrencies", "codes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """One loaded state of a venue. Generation 0 is nothing."""

    generation: int = 0
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


class VenueMarkets:
    """The shared knowledge of one venue. Thread-safe."""

    def __init__(
        self, venue: Venue, base_url: str | None, timeout_seconds: float, *, name: str | None = None
    ) -> None:
        self.venue = venue
        self._name = name or venue.ccxt_id
        self._lock = threading.Lock()
        self._template = build_template(venue, base_url)
        self._template.timeout = int(timeout_seconds * 1000)
        self._table = _Table()
        self._clock_lock = threading.Lock()
        self._loaded_at = float("-inf")
        self._stale = False
        self._clock_offset_ms: int | None = None
        self._clock_read_at = float("-inf")
        #: How often a timestamp was refused.
        self._clock_doubts = 0

    @property
    def template(self) -> Any:
        """The client without credentials. Not for calls outside this class."""
        return self._template

    def client_for(
        self, credentials: Credentials, options: Mapping[str, object], timeout_seconds: float
    ) -> Any:
        """A new account client. No network."""
        return copy_client(self._template, credentials, options, timeout_seconds)

    def instruments(self) -> Mapping[str, Instrument]:
        """All instruments, as last loaded. Empty before `ensure_loaded`."""
        return self._table.instruments

    def mark_stale(self) -> None:
        """The venue refused something that our table allows: look again soon, at most once a minute."""
        self._stale = True

    def ensure_loaded(self, *, renew: bool) -> None:
        """Load if nothing is loaded (all callers wait for one). With `renew`, also when the table is old:
        one caller does it, the others go on; nobody should ask for that while an order's window is open.
        Raises what ccxt raises, on the first load only.
        """
        first = self._table.generation == 0
        if not (first or (renew and self._is_old())) or not self._lock.acquire(blocking=first):
            return
        try:
            if self._is_old():
                self._load(first=first)
        finally:
            self._lock.release()

    def share_with(self, client: Any, seen: int) -> int:
        """Point `client` at the current table if that is not `seen`; returns what it has seen now."""
        table = self._table
        if seen != table.generation:
            client.__dict__.update(table.shared)
            client.options.update(table.options)
        return table.generation

    def clock_offset_ms(self) -> int:
        """Our clock minus the venue's, measured at most every quarter of an hour; 0 when the venue does
        not say. The first to come measures; others wait for it only when nothing is known yet.
        """
        never = self._clock_read_at == float("-inf")
        if self._clock_is_old() and self._clock_lock.acquire(blocking=never):
            try:
                for _ in range(_MEASURES_AT_MOST):
                    if self._clock_is_old():
                        self._renew_clock()
            finally:
                self._clock_lock.release()
        return self._clock_offset_ms or 0

    def _renew_clock(self) -> None:
        """The clock lock is held. What was measured before somebody was refused settles nothing, and what
        failed is repeated soon."""
        doubts = self._clock_doubts
        offset = self._measure_clock()
        if offset is not None:
            self._clock_offset_ms = offset
        if doubts == self._clock_doubts:
            spent = (
                0 if offset is not None or not self._tells_time else CLOCK_MAX_AGE_SECONDS - MIN_AGE_SECONDS
            )
            self._clock_read_at = time.monotonic() - spent

    def known_clock_offset_ms(self) -> int | None:
        """The last measured offset, None when the venue never said."""
        self.clock_offset_ms()
        return self._clock_offset_ms

    def distrust_clock(self) -> None:
        """The venue refused a timestamp: measure again before the next one."""
        self._clock_doubts += 1
        self._clock_read_at = float("-inf")

    def _clock_is_old(self) -> bool:
        return time.monotonic() - self._clock_read_at > CLOCK_MAX_AGE_SECONDS

    def _is_old(self) -> bool:
        age = time.monotonic() - self._loaded_at
        return age > MAX_AGE_SECONDS or (self._stale and age > MIN_AGE_SECONDS)

    def _load(self, *, first: bool) -> None:
        unpaid.note_table(self._name)
        try:
            self._template.load_markets(True)
        except Exception:
            if first:
                raise
            self._loaded_at = time.monotonic() - MAX_AGE_SECONDS + MIN_AGE_SECONDS  # the old table serves on
            return
        self.publish()
        self._loaded_at = time.monotonic()
        self._stale = False

    @property
    def _tells_time(self) -> bool:
        return self._template.has.get("fetchTime") is True

    def publish(self) -> None:
        """Make what the template has loaded the table of everybody, in one step."""
        template = self._template
        helpers = template.options.get("marketHelperProps") or ()
        self._table = _Table(
            generation=self._table.generation + 1,
            instruments=to_instruments(template.markets.values(), template.precisionMode),
            shared={name: getattr(template, name) for name in _SHARED},
            options={
                name: template.options[name] for name in helpers if template.options.get(name) is not None
            },
        )

    def _measure_clock(self) -> int | None:
        client = copy_client(self._template, Credentials({}), {}, self._template.timeout / 1000)
        unpaid.note_clock(self._name)
        try:
            return measure(client)
        except Exception:  # a venue that cannot tell the time may still trade; its own check will speak up
            return None


class _Registry:
    """One VenueMarkets per (exchange name, URL)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str | None], VenueMarkets] = {}

    def get(self, name: str, venue: Venue, base_url: str | None, timeout_seconds: float) -> VenueMarkets:
        with self._lock:
            key = (name, base_url)
            if key not in self._known:
                self._known[key] = VenueMarkets(venue, base_url, timeout_seconds, name=name)
            return self._known[key]


_REGISTRY = _Registry()


def venue_markets(name: str, venue: Venue, base_url: str | None, timeout_seconds: float) -> VenueMarkets:
    """The shared table of exchange `name` at `base_url` in this process. No network."""
    return _REGISTRY.get(name, venue, base_url, timeout_seconds)
