"""Candles: live ones from the price board, older ones invented from the seed so that charts have a past."""

import hashlib
import math
import random
from decimal import Decimal

from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.numbers import text8
from portal.exchanges.sandbox.prices import MINUTE_MS, Candle

INTERVALS = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "8h": 480,
    "12h": 720,
    "1d": 1440,
    "3d": 4320,
    "1w": 10080,
}
MINUTE_VOLATILITY = 0.0006
Row = list[object]


def klines(
    exchange: Exchange, market: Market, minutes: int, start: int | None, end: int | None, limit: int
) -> list[Row]:
    """Candles of `minutes` each, oldest first, in Binance's array form."""
    width = minutes * MINUTE_MS
    now = exchange.clock.now_ms()
    last_open = min(end if end is not None else now, now) // width * width
    first_open = last_open - (limit - 1) * width
    if start is not None:
        first_open = max(-(-start // width) * width, 0)
        last_open = min(last_open, first_open + (limit - 1) * width)
    live = _live(exchange, market.symbol, width)
    opened_at = min(live, default=now // width * width)
    past = _past(exchange, market, width, first_open, opened_at)
    rows: list[Row] = []
    for at in range(first_open, last_open + 1, width):
        candle = live.get(at) or past.get(at) or _flat(rows, exchange.price(market))
        rows.append(_row(market, at, width, candle))
    return rows


def _flat(rows: list[Row], price: Decimal) -> Candle:
    close = Decimal(str(rows[-1][4])) if rows else price
    return [close] * 4


def _live(exchange: Exchange, symbol: str, width: int) -> dict[int, Candle]:
    merged: dict[int, Candle] = {}
    for at, candle in exchange.prices.candles[symbol]:
        key = at // width * width
        known = merged.get(key)
        if known is None:
            merged[key] = list(candle)
        else:
            known[1], known[2], known[3] = max(known[1], candle[1]), min(known[2], candle[2]), candle[3]
    return merged


def _past(
    exchange: Exchange, market: Market, width: int, first_open: int, opened_at: int
) -> dict[int, Candle]:
    """A walk backwards from the first known price; the same seed invents the same past."""
    count = max(0, min(5000, (opened_at - first_open) // width))
    name = f"{exchange.seed}:{market.symbol}:{width}".encode()
    noise = random.Random(int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()))
    spread = MINUTE_VOLATILITY * math.sqrt(width / MINUTE_MS)
    close = exchange.prices.quotes[market.symbol].opened
    tick = market.tick_size
    past: dict[int, Candle] = {}
    for step in range(1, count + 1):
        opened = max(tick, (close * Decimal(str(math.exp(noise.gauss(0, spread))))).quantize(tick))
        wick = Decimal(str(1 + abs(noise.gauss(0, spread / 2))))
        high = (max(opened, close) * wick).quantize(tick)
        low = max(tick, (min(opened, close) / wick).quantize(tick))
        past[opened_at - step * width] = [opened, high, low, close]
        close = opened
    return past


def _row(market: Market, at: int, width: int, candle: Candle) -> Row:
    opened, high, low, close = candle
    volume = market.depth_notional / close
    return [
        at,
        text8(opened),
        text8(high),
        text8(low),
        text8(close),
        text8(volume),
        at + width - 1,
        text8(market.depth_notional),
        100,
        text8(volume / 2),
        text8(market.depth_notional / 2),
        "0",
    ]
