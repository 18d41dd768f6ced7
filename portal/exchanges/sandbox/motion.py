"""Moves prices over time: a seeded random walk, scripted paths, and replays of recorded prices."""

import asyncio
import csv
import io
import math
import random
from datetime import datetime
from decimal import Decimal, InvalidOperation

from portal.exchanges.sandbox.errors import bad_control
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.numbers import ceil_to, floor_to

#: seconds from now, price
Step = tuple[float, Decimal]
SAVE_SECONDS = 5.0


class Motion:
    """The tasks that move prices. A symbol on a path, or held, does not walk."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._noise = random.Random(exchange.seed)
        self._walk: asyncio.Task[None] | None = None
        self._paths: dict[str, asyncio.Task[None]] = {}
        self.held: set[str] = set()
        self.interval = 0.0
        self.volatility_bps = 4.0

    def start_walk(self, interval: float, volatility_bps: float) -> None:
        """One step of all prices every `interval` seconds; 0 stops the walk."""
        if interval < 0 or volatility_bps < 0:
            raise bad_control("Interval and volatility must not be negative.")
        if self._walk is not None:
            self._walk.cancel()
            self._walk = None
        self.interval, self.volatility_bps = interval, volatility_bps
        if interval > 0:
            self._walk = asyncio.get_running_loop().create_task(self._walk_forever())

    def follow(self, symbol: str, steps: list[Step], hold: bool) -> None:
        """Sets the prices of a path at their times; with `hold` the last one stays."""
        self._exchange.prices.last(symbol)
        self.leave_path(symbol)
        if hold:
            self.held.add(symbol)
        self._paths[symbol] = asyncio.get_running_loop().create_task(self._follow(symbol, steps))

    def leave_path(self, symbol: str) -> None:
        task = self._paths.pop(symbol, None)
        if task is not None:
            task.cancel()
        self.held.discard(symbol)

    def stop(self) -> None:
        for symbol in list(self._paths):
            self.leave_path(symbol)
        self.start_walk(0, self.volatility_bps)
        self.held.clear()

    async def _follow(self, symbol: str, steps: list[Step]) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        for seconds, price in steps:
            await asyncio.sleep(max(0.0, started + seconds - loop.time()))
            self._exchange.prices.set(symbol, price)
        self._paths.pop(symbol, None)

    async def _walk_forever(self) -> None:
        since_saved = 0.0
        while True:
            await asyncio.sleep(self.interval)
            self.step()
            since_saved += self.interval
            if since_saved >= SAVE_SECONDS:
                since_saved = 0.0
                save_prices(self._exchange)

    def step(self) -> None:
        """One random step of every price that is free to walk."""
        board = self._exchange.prices
        for symbol in list(board.quotes):
            factor = math.exp(self._noise.gauss(0, self.volatility_bps / 10_000))
            if symbol in board.derived or symbol in self.held or symbol in self._paths:
                continue
            last = board.last(symbol)
            tick = self._exchange.markets[f"spot:{symbol}"].tick_size
            moved = last * Decimal(repr(factor))
            board.set(symbol, max(tick, ceil_to(moved, tick) if factor > 1 else floor_to(moved, tick)))


def save_prices(exchange: Exchange) -> None:
    """Notes all prices in the journal, so that a restart does not jump back to the start prices."""
    if exchange.journal is not None:
        quotes = exchange.prices.quotes.items()
        exchange.journal.append({"prices": {symbol: format(quote.last, "f") for symbol, quote in quotes}})


def read_recording(text: str, speed: float) -> list[Step]:
    """Steps from CSV lines `time,price`; times in seconds, milliseconds or ISO 8601. Raises VenueError."""
    if speed <= 0:
        raise bad_control("The replay speed must be above zero.")
    steps: list[Step] = []
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if not row or (number == 1 and row[0].strip().lower() in ("time", "timestamp", "date")):
            continue
        try:
            steps.append((_seconds(row[0].strip()), Decimal(row[1].strip())))
        except (ValueError, IndexError, InvalidOperation):
            raise bad_control(f"Line {number} of the recording is not 'time,price'.") from None
    if not steps:
        raise bad_control("The recording has no prices.")
    first = steps[0][0]
    return [((at - first) / speed, price) for at, price in steps]


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()
    return value / 1000 if value > 1e11 else value
