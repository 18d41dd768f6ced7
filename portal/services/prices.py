"""Prices, read once for everybody: a short cache per process with one reader per venue and symbol. Network
only; never inside a transaction."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portal.exchanges.base import Exchange
from portal.exchanges.paper import prices as paper_prices
from portal.services import venues
from portal.trading.orders import Ticker

#: A price older than this is read again before an order is sized with it.
FRESH_SECONDS = 1.0


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    ticker: Ticker | None = None
    read_at: float = 0.0


_slots: dict[tuple[str, str], _Slot] = {}
_slots_lock = threading.Lock()


def ticker(exchange_name: str, symbol: str, exchange: Exchange) -> Ticker | None:
    """The best prices of `symbol`, at most `FRESH_SECONDS` old; None when the venue has no usable price.

    A thousand executions of one signal share one request. Raises ExchangeError when the read fails.
    """
    with _slots_lock:
        slot = _slots.setdefault((exchange_name, symbol), _Slot())
    with slot.lock:
        if slot.ticker is None or time.monotonic() - slot.read_at > FRESH_SECONDS:
            slot.ticker = exchange.tickers([symbol]).get(symbol)
            slot.read_at = time.monotonic()
        return slot.ticker


def forget() -> None:
    """Empty the cache (after prices were set by hand, in tests and the demo)."""
    with _slots_lock:
        _slots.clear()
    paper_prices.forget()


def read_market(exchange_name: str, symbols: Sequence[str]) -> Mapping[str, Ticker]:
    """All of `symbols` in one request where the venue can. Raises ExchangeError when the read fails."""
    with venues.public_exchange(exchange_name) as exchange:
        return exchange.tickers(symbols)
