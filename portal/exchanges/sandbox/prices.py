"""Current prices, their day's statistics and minute candles. How prices move over time is in `motion`."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from portal.exchanges.sandbox.catalogue import DERIVED, start_prices
from portal.exchanges.sandbox.errors import bad_control
from portal.exchanges.sandbox.numbers import UNIT, ZERO

MINUTE_MS = 60_000
#: open time, open, high, low, close
Candle = list[Decimal]


@dataclass(slots=True)
class Quote:
    """Last price of a symbol and what it did since the exchange started."""

    last: Decimal
    opened: Decimal
    high: Decimal
    low: Decimal


class PriceBoard:
    """Spot and perpetual of one symbol share one price, so last, mark and index are the same."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.quotes = {symbol: Quote(price, price, price, price) for symbol, price in start_prices().items()}
        self.candles: dict[str, deque[tuple[int, Candle]]] = {s: deque(maxlen=1500) for s in self.quotes}
        self.derived = dict(DERIVED)
        self.on_change: Callable[[str, Decimal], None] = lambda symbol, price: None

    def last(self, symbol: str) -> Decimal:
        return self.quotes[symbol].last

    def set(self, symbol: str, price: Decimal) -> None:
        """Moves one price (and what is derived from it) and wakes the orders it reaches."""
        if symbol not in self.quotes:
            raise bad_control(f"There is no symbol {symbol!r} here.")
        if not price.is_finite() or price <= ZERO:
            raise bad_control("A price must be a positive number.")
        self.derived.pop(symbol, None)
        self._move(symbol, price)
        for cross, (over, under) in self.derived.items():
            if symbol in (over, under):
                self._move(cross, (self.last(over) / self.last(under)).quantize(UNIT))

    def _move(self, symbol: str, price: Decimal) -> None:
        quote = self.quotes[symbol]
        if price == quote.last:
            return
        quote.last = price
        quote.high = max(quote.high, price)
        quote.low = min(quote.low, price)
        self._record(symbol, price)
        self.on_change(symbol, price)

    def _record(self, symbol: str, price: Decimal) -> None:
        minute = self._now_ms() // MINUTE_MS * MINUTE_MS
        candles = self.candles[symbol]
        if not candles or candles[-1][0] != minute:
            opened = candles[-1][1][3] if candles else self.quotes[symbol].opened
            candles.append((minute, [opened, max(opened, price), min(opened, price), price]))
            return
        candle = candles[-1][1]
        candle[1], candle[2], candle[3] = max(candle[1], price), min(candle[2], price), price
