"""The synthetic order book: fixed depth on evenly spaced levels around the price. It refills at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.numbers import ZERO, ceil_to, floor_to

BPS = Decimal(10_000)
Level = tuple[Decimal, Decimal]


@dataclass(slots=True)
class BookShape:
    """Spread of best bid and ask, distance and number of levels, and a multiplier on their depth."""

    spread_bps: Decimal = Decimal(2)
    step_bps: Decimal = Decimal(1)
    levels: int = 20
    depth_factor: Decimal = Decimal(1)


def best_ask(market: Market, mid: Decimal, shape: BookShape) -> Decimal:
    return ceil_to(mid + mid * shape.spread_bps / (2 * BPS), market.tick_size)


def best_bid(market: Market, mid: Decimal, shape: BookShape) -> Decimal:
    return max(market.tick_size, floor_to(mid - mid * shape.spread_bps / (2 * BPS), market.tick_size))


def _levels(
    market: Market, start: Decimal, direction: int, mid: Decimal, shape: BookShape
) -> Iterator[Level]:
    step = max(market.tick_size, floor_to(mid * shape.step_bps / BPS, market.tick_size)) * direction
    notional = market.depth_notional * shape.depth_factor
    price = start
    for _ in range(shape.levels):
        if price <= ZERO:
            return
        yield price, max(market.lot_size, floor_to(notional / price, market.lot_size))
        price += step


def asks(market: Market, mid: Decimal, shape: BookShape) -> Iterator[Level]:
    """(price, quantity) from the best ask upwards."""
    return _levels(market, best_ask(market, mid, shape), 1, mid, shape)


def bids(market: Market, mid: Decimal, shape: BookShape) -> Iterator[Level]:
    """(price, quantity) from the best bid downwards."""
    return _levels(market, best_bid(market, mid, shape), -1, mid, shape)


def plan(levels: Iterator[Level], quantity: Decimal, limit: Decimal | None, buying: bool) -> list[Level]:
    """What an order of `quantity` takes from the book, no worse than `limit`."""
    taken: list[Level] = []
    left = quantity
    for price, available in levels:
        if left <= ZERO or (limit is not None and (price > limit if buying else price < limit)):
            break
        part = min(left, available)
        taken.append((price, part))
        left -= part
    return taken


def plan_quote(levels: Iterator[Level], amount: Decimal, lot_size: Decimal) -> list[Level]:
    """What a market order over a quote amount takes; the last part is floored to the lot size."""
    taken: list[Level] = []
    left = amount
    for price, available in levels:
        part = min(available, floor_to(left / price, lot_size))
        if part <= ZERO:
            break
        taken.append((price, part))
        left -= part * price
    return taken
