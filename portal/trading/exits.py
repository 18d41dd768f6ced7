"""Where a position is to be left: stop-loss and targets, derived from the signal and the preset at the
entry price."""

from dataclasses import dataclass, replace
from decimal import Decimal

from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.direction import Leg
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact
from portal.trading.preset import PresetRules, TakeProfitRule
from portal.trading.prices import is_gain
from portal.trading.signal import SignalTerms
from portal.trading.types import SizingMode, StopLossMode, TakeProfitMode

_FRACTION_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Target:
    """One take-profit. `close_fraction` counts from the quantity with which the position was opened."""

    price: Decimal
    close_fraction: Decimal


@dataclass(frozen=True, slots=True)
class ExitPlan:
    """Prices on the tick; targets nearest first, together closing at most the whole position."""

    sl_price: Decimal | None
    targets: tuple[Target, ...]


def derive_exits(
    rules: PresetRules, terms: SignalTerms, leg: Leg, entry_price: Decimal, instrument: Instrument
) -> ExitPlan | Denial:
    """Stop and targets of a position that `leg` opens at `entry_price`, each on its right side of it.

    A stop-loss mode `none` ignores the signal's sl. A `signal` rule whose tp the signal does not have is
    left out, and its part of the position stays until the stop or another exit.
    """
    if not leg.opens:
        return ExitPlan(None, ())
    with exact():
        sl_price = _stop(rules, terms, leg, entry_price, instrument)
        if sl_price is not None and (sl_price <= 0 or not is_gain(leg.position_side, sl_price, entry_price)):
            return deny(DenialCode.STOP_LOSS_WRONG_SIDE, sl=sl_price, price=entry_price)
        if sl_price is None and _needs_stop(rules):
            return deny(DenialCode.STOP_LOSS_REQUIRED)
        targets = _targets(rules, terms, leg, entry_price, sl_price)
        rounded = [
            replace(target, price=instrument.round_price(target.price, leg.position_side.exit_side))
            for target in targets
        ]
        for raw, on_tick in zip(targets, rounded, strict=True):
            # Judged before rounding too: a tick must not make a gain of a target that is none.
            if on_tick.price <= 0 or not is_gain(leg.position_side, entry_price, raw.price):
                return deny(DenialCode.TAKE_PROFIT_WRONG_SIDE, tp=raw.price, price=entry_price)
        return ExitPlan(sl_price, tuple(sorted(rounded, key=lambda target: abs(target.price - entry_price))))


def split_evenly(prices: tuple[Decimal, ...]) -> tuple[Target, ...]:
    """One target per price in equal parts; the last one takes what rounding left."""
    if not prices:
        return ()
    part = (1 / Decimal(len(prices))).quantize(_FRACTION_STEP)
    last = 1 - part * (len(prices) - 1)
    return tuple(
        Target(price, last if place == len(prices) else part) for place, price in enumerate(prices, 1)
    )


def _stop(
    rules: PresetRules, terms: SignalTerms, leg: Leg, entry: Decimal, instrument: Instrument
) -> Decimal | None:
    if rules.stop_loss_mode is StopLossMode.SIGNAL:
        price = terms.sl
    elif rules.stop_loss_mode is StopLossMode.PERCENT and rules.stop_loss_value is not None:
        price = entry * (1 - leg.position_side.sign * rules.stop_loss_value / 100)
    else:
        price = None
    return None if price is None else instrument.round_price(price, leg.position_side.exit_side)


def _needs_stop(rules: PresetRules) -> bool:
    return (
        rules.sizing_mode is SizingMode.RISK_PERCENT
        or rules.break_even_at_r is not None
        or any(rule.mode is TakeProfitMode.R_MULTIPLE for rule in rules.take_profits)
    )


def _targets(
    rules: PresetRules, terms: SignalTerms, leg: Leg, entry: Decimal, sl: Decimal | None
) -> tuple[Target, ...]:
    sign = leg.position_side.sign
    from_signal = iter(sorted(terms.tps, key=lambda tp: tp * sign))
    if not rules.take_profits:
        return split_evenly(tuple(from_signal))
    found = (
        (rule, _target_price(rule, next(from_signal, None) if _by_signal(rule) else None, entry, sl, sign))
        for rule in rules.take_profits
    )
    return tuple(Target(price, rule.close_fraction) for rule, price in found if price is not None)


def _by_signal(rule: TakeProfitRule) -> bool:
    return rule.mode is TakeProfitMode.SIGNAL


def _target_price(
    rule: TakeProfitRule, tp: Decimal | None, entry: Decimal, sl: Decimal | None, sign: int
) -> Decimal | None:
    if rule.mode is TakeProfitMode.SIGNAL:
        return tp
    value = rule.value or Decimal(0)
    if rule.mode is TakeProfitMode.PERCENT:
        return entry * (1 + sign * value / 100)
    return None if sl is None else entry + sign * value * abs(entry - sl)
