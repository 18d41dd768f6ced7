"""Sizing a second time, in fractions.

The product solves formulas for the quantity; this states each bound as a condition on a finished order. The
two share no code: a size is right when it meets all conditions and one lot more does not.
"""

from fractions import Fraction

from portal.trading.instrument import Instrument
from portal.trading.preset import PresetRules
from portal.trading.types import MarketType, Side, SizingMode

ZERO = Fraction(0)


def cash_worth(instrument: Instrument, quantity: Fraction, price: Fraction) -> Fraction:
    """In the currency that pays."""
    contract = Fraction(instrument.contract_size)
    return quantity * contract * price if instrument.linear else quantity * contract / price


def quote_worth(instrument: Instrument, quantity: Fraction, price: Fraction) -> Fraction:
    contract = Fraction(instrument.contract_size)
    return quantity * contract * price if instrument.linear else quantity * contract


def loss_at(instrument: Instrument, quantity: Fraction, price: Fraction, sl: Fraction) -> Fraction:
    return (
        abs(cash_worth(instrument, quantity, price) - cash_worth(instrument, quantity, sl))
        if (instrument.linear)
        else abs(quantity * Fraction(instrument.contract_size) * (1 / price - 1 / sl))
    )


def within_wish(
    rules: PresetRules,
    instrument: Instrument,
    price: Fraction,
    free: Fraction,
    equity: Fraction,
    sl: Fraction | None,
    multiplier: Fraction,
    quantity: Fraction,
) -> bool:
    value = Fraction(rules.sizing_value) * multiplier
    match rules.sizing_mode:
        case SizingMode.FIXED:
            return quantity <= value
        case SizingMode.PERCENTAGE:
            return cash_worth(instrument, quantity, price) * 100 <= free * value
        case SizingMode.FIXED_AMOUNT:
            return quote_worth(instrument, quantity, price) <= value
        case SizingMode.RISK_PERCENT:
            assert sl is not None
            return loss_at(instrument, quantity, price, sl) * 100 <= equity * value


def affordable(
    rules: PresetRules,
    instrument: Instrument,
    side: Side,
    price: Fraction,
    free: Fraction,
    free_base: Fraction,
    quantity: Fraction,
) -> bool:
    if instrument.market_type is MarketType.SPOT and side is Side.SELL:
        return quantity <= free_base
    cost = cash_worth(instrument, quantity, price)
    fee = Fraction(instrument.taker_fee)
    if instrument.market_type is MarketType.SWAP:
        return cost / Fraction(rules.leverage or 1) + cost * fee <= free
    at_worst = cost * (1 + Fraction(rules.max_slippage_bps) / 10_000)
    return at_worst + at_worst * fee <= free


def within_maximum(rules: PresetRules, instrument: Instrument, price: Fraction, quantity: Fraction) -> bool:
    most = rules.max_notional
    return most is None or quote_worth(instrument, quantity, price) <= Fraction(most)
