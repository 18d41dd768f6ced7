"""What accounts hold at the exchange, and how much of it no working stop there would sell. Reads the
exchange's own reports; knows nothing of the books."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from portal.exchanges.sandbox.catalogue import default_markets
from portal.exchanges.sandbox.client import AcceptedOrder

#: An account, and a market and coin as in "spot BTC" and "swap BTC".
Holding = tuple[str, str]

_ZERO = Decimal(0)
_KINDS = {"spot": "spot", "perp": "swap"}
_LOTS = {
    f"{_KINDS[each.kind]} {each.base}": each.lot_size for each in default_markets() if each.quote == "USDT"
}


def held(accounts: Sequence[Mapping[str, Any]]) -> dict[Holding, Decimal]:
    """What each account holds, short positions below zero."""
    found: dict[Holding, Decimal] = {}
    for row in accounts:
        for coin, parts in row["balances"].items():
            if coin != "USDT":
                found[row["name"], f"spot {coin}"] = sum(map(Decimal, parts.values()), _ZERO)
        for each in row["positions"]:
            found[row["name"], f"swap {each['symbol'].removesuffix('USDT')}"] = Decimal(each["quantity"])
    return found


def bare(accounts: Sequence[Mapping[str, Any]], taken: Sequence[AcceptedOrder]) -> dict[Holding, Decimal]:
    """How much of each holding no stop of the exchange would close. A lot per filled order is left out: that
    is the dust of fees, and no position."""
    covered: Counter[Holding] = Counter()
    trades: Counter[Holding] = Counter()
    holdings = held(accounts)
    for order in taken:
        key = _holding(order)
        trades[key] += order.filled_quantity > 0
        if _works(order, holdings.get(key, _ZERO)):
            covered[key] += order.quantity - order.filled_quantity  # type: ignore[assignment]
    found = {}
    for key, quantity in holdings.items():
        left = abs(quantity) - covered[key]
        dust = _LOTS[key[1]] * trades[key] if key[1].startswith("spot") else _ZERO
        if left > dust:
            found[key] = left - dust
    return found


def silent(bare: Mapping[Holding, Decimal], alarmed: Mapping[Holding, Decimal]) -> list[str]:
    """A sentence for each bare holding of which the alarms do not speak, or not of all."""
    return [
        f"{account} has {quantity} {what} without a stop at the exchange; "
        f"the alarms speak of {alarmed.get((account, what), _ZERO)}"
        for (account, what), quantity in bare.items()
        if quantity > alarmed.get((account, what), _ZERO)
    ]


def _holding(order: AcceptedOrder) -> Holding:
    return order.account, f"{_KINDS[order.market]} {order.symbol.removesuffix('USDT')}"


def _works(order: AcceptedOrder, quantity: Decimal) -> bool:
    """Whether it waits for its price, would close and could not open."""
    closes = order.side == ("SELL" if quantity > 0 else "BUY")
    waits = order.status == "NEW" and order.trigger_price > 0 and order.order_type.startswith("STOP")
    return closes and waits and (order.market == "spot" or order.reduce_only)
