"""Ties a request's validity at the venue to the stored `sent_at` and `not_after`, never to the clock at
signing time.

So a worker that was paused between storing and sending sends a request that the venue itself refuses.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from portal.exchanges.ccxt_numbers import to_milliseconds
from portal.exchanges.venues import Venue, WindowStyle

#: Binance and Bybit take no wider one.
_WIDEST_MILLISECONDS = 60_000


@contextmanager
def request_window(
    client: Any, venue: Venue, sent_at: datetime, not_after: datetime, offset_ms: int
) -> Iterator[dict[str, Any]]:
    """Within it, `client` signs for this window; yields the parameters to add to the order. `offset_ms` is
    our clock minus the venue's. Restores the client afterwards.
    """
    started = to_milliseconds(sent_at) - offset_ms
    width = max(1, min(to_milliseconds(not_after) - to_milliseconds(sent_at), _WIDEST_MILLISECONDS))
    ends = started + width
    match venue.window:
        case WindowStyle.TIMESTAMP_FIELD:
            yield {"timestamp": started, "recvWindow": width}
        case WindowStyle.FIELD_MILLISECONDS:
            yield {venue.window_field: ends}
        case WindowStyle.FIELD_RFC3339:
            venue_time = not_after - timedelta(milliseconds=offset_ms)
            yield {venue.window_field: venue_time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"}
        case WindowStyle.HEADER:
            with _header(client, venue.window_field, str(ends)):
                yield {}
        case WindowStyle.NONCE | WindowStyle.NONCE_AND_OPTION:
            with _nonce(client, started, width if venue.window is WindowStyle.NONCE_AND_OPTION else None):
                yield {}
        case WindowStyle.NONE:
            yield {}


@contextmanager
def _header(client: Any, name: str, value: str) -> Iterator[None]:
    client.headers[name] = value
    try:
        yield
    finally:
        del client.headers[name]


@contextmanager
def _nonce(client: Any, started: int, width: int | None) -> Iterator[None]:
    usual = client.options.get("recvWindow")
    if width is not None:
        client.options["recvWindow"] = width
    client.nonce = lambda: started
    try:
        yield
    finally:
        del client.nonce
        if width is not None:
            client.options["recvWindow"] = usual
