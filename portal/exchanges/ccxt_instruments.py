"""Turns ccxt's markets into instruments. A market that cannot be described safely is left out, never
guessed.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from portal.exchanges.ccxt_numbers import decimal_or_none, positive_or_none
from portal.trading.instrument import Instrument
from portal.trading.types import MarketType

#: ccxt's values of `precisionMode`.
DECIMAL_PLACES, SIGNIFICANT_DIGITS, TICK_SIZE = 2, 3, 4

_DEFAULT_FEE = Decimal("0.001")
_HIGHEST_FEE = Decimal("0.05")


def to_instruments(markets: Iterable[Mapping[str, Any]], precision_mode: int) -> dict[str, Instrument]:
    """All describable spot and swap markets by unified symbol."""
    found = (to_instrument(market, precision_mode) for market in markets)
    return {instrument.symbol: instrument for instrument in found if instrument is not None}


def to_instrument(market: Mapping[str, Any], precision_mode: int) -> Instrument | None:
    """The instrument of one ccxt market; None for other kinds of market and for those with missing rules."""
    market_type = _market_type(market)
    base, quote = market.get("base"), market.get("quote")
    if market_type is None or not base or not quote or not market.get("symbol"):
        return None
    precision = market.get("precision") or {}
    tick_size = _step(precision.get("price"), precision_mode)
    lot_size = _step(precision.get("amount"), precision_mode)
    contract_size = (
        Decimal(1) if market_type is MarketType.SPOT else positive_or_none(market.get("contractSize"))
    )
    if tick_size is None or lot_size is None or contract_size is None:
        return None
    if market_type is MarketType.SWAP and not (market.get("linear") or market.get("inverse")):
        return None
    amount, cost, price = (_limits(market, of) for of in ("amount", "cost", "price"))
    return Instrument(
        symbol=market["symbol"],
        base=base,
        quote=quote,
        settle=market.get("settle") or quote,
        market_type=market_type,
        tick_size=tick_size,
        lot_size=lot_size,
        active=market.get("active") is not False,
        linear=market_type is MarketType.SPOT or bool(market.get("linear")),
        contract_size=contract_size,
        min_quantity=positive_or_none(amount.get("min")),
        max_quantity=positive_or_none(amount.get("max")),
        min_notional=positive_or_none(cost.get("min")),
        max_notional=positive_or_none(cost.get("max")),
        min_price=positive_or_none(price.get("min")),
        max_price=positive_or_none(price.get("max")),
        taker_fee=_fee(market.get("taker")),
        maker_fee=_fee(market.get("maker")),
    )


def _market_type(market: Mapping[str, Any]) -> MarketType | None:
    if market.get("spot"):
        return MarketType.SPOT
    return MarketType.SWAP if market.get("swap") and not market.get("option") else None


def _limits(market: Mapping[str, Any], of: str) -> Mapping[str, Any]:
    return (market.get("limits") or {}).get(of) or {}


def _step(precision: object, mode: int) -> Decimal | None:
    """The grid. Significant digits are no grid: such a market has no fixed tick, so only its finest usual
    step, eight decimal places, is claimed here and ccxt's own rounding at the border settles the digits
    (`ccxt_params`).
    """
    value = decimal_or_none(precision)
    if value is None:
        return None
    if mode == TICK_SIZE:
        return value if value > 0 else None
    if mode == DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(value)) if value == value.to_integral_value() else None
    return Decimal("0.00000001") if value > 0 else None


def _fee(rate: object) -> Decimal:
    """A share of the notional; makers may be paid. Nonsense falls back to a common taker fee."""
    value = decimal_or_none(rate)
    return value if value is not None and abs(value) <= _HIGHEST_FEE else _DEFAULT_FEE
