"""What a position is worth in proportion: profit in percent of what it cost, and how far its exits are from
the price. Pure arithmetic; percent as numbers, rounded for people."""

from decimal import ROUND_HALF_EVEN, Decimal

from portal.models import ExecutionPosition
from portal.trading.numbers import exact

_PLACES = Decimal("0.01")


def profit_percent(position: ExecutionPosition) -> Decimal | None:
    """The unrealized result in percent of the entry's notional; None when there is nothing to divide by."""
    entry, quantity = position.average_entry_price, position.quantity
    if not entry or not quantity:
        return None
    with exact():
        contracts = quantity * position.contract_size
        cost = contracts * entry if position.linear else contracts / entry
        return (position.unrealized_pnl / cost * 100).quantize(_PLACES, ROUND_HALF_EVEN)


def distance_percent(position: ExecutionPosition, price: Decimal | None) -> Decimal | None:
    """How far `price` is from the last accepted one, in percent of it: below zero when it is lower."""
    mark = position.mark_price
    if price is None or not mark:
        return None
    with exact():
        return ((price - mark) / mark * 100).quantize(_PLACES, ROUND_HALF_EVEN)


def signed(percent: Decimal) -> str:
    """A distance in percent, with its sign: no gain and no loss."""
    return f"{percent:+f}".replace("-", "\N{MINUS SIGN}")
