"""How each field of a preset is read from JSON, and which fields contradict each other. Two tables."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from portal.trading.fields import (
    FieldError,
    Reader,
    decimal,
    integer,
    many,
    one_of,
    read_fields,
    shown,
    string,
)
from portal.trading.hours import read_trading_hours
from portal.trading.numbers import exact, text
from portal.trading.symbols import Pair, parse_pair
from portal.trading.types import (
    MarginMode,
    MarketType,
    OrderType,
    SizingMode,
    StopLossMode,
    TakeProfitMode,
    TimeInForce,
    WhenUnprotected,
)

MAX_TARGETS = 3
MAX_SYMBOLS = 500


@dataclass(frozen=True, slots=True)
class TakeProfitRule:
    """One target. `value` is percent from the entry or a multiple of the risk; the n-th `signal` rule takes
    the signal's n-th tp. `close_fraction` counts from the quantity with which the position was opened."""

    mode: TakeProfitMode
    close_fraction: Decimal
    value: Decimal | None = None

    def to_dict(self) -> dict[str, str]:
        value = {} if self.value is None else {"value": text(self.value)}
        return {"mode": self.mode.value, **value, "close_fraction": text(self.close_fraction)}


_TAKE_PROFIT_READERS: Mapping[str, Reader] = {
    "mode": one_of(TakeProfitMode),
    "value": decimal(maximum="10000"),
    "close_fraction": decimal(maximum="1"),
}


def _take_profits(value: object, _name: str) -> tuple[TakeProfitRule, ...]:
    if not isinstance(value, list | tuple):
        raise FieldError(f"was {shown(value)}; it must be a list of at most {MAX_TARGETS} targets.")
    if len(value) > MAX_TARGETS:
        raise FieldError(f"had {len(value)} targets; at most {MAX_TARGETS} are allowed.")
    rules = tuple(_take_profit(item, place, alone=len(value) == 1) for place, item in enumerate(value, 1))
    with exact():
        total = sum((rule.close_fraction for rule in rules), Decimal(0))
    if total > 1:
        raise FieldError(f"would close {total} of the position; the close_fractions may add up to 1 at most.")
    return rules


def _take_profit(item: object, place: int, *, alone: bool) -> TakeProfitRule:
    if not isinstance(item, Mapping):
        raise FieldError(
            f"had {shown(item)} as target {place}; it must be an object with mode and close_fraction."
        )
    errors: dict[str, str] = {}
    values: dict[str, Any] = read_fields(item, _TAKE_PROFIT_READERS, errors)
    if alone:
        values.setdefault("close_fraction", Decimal(1))
    for required in ("mode", "close_fraction"):
        if required not in values:
            errors.setdefault(required, "is required.")
    mode = values.get("mode")
    if mode not in (None, TakeProfitMode.SIGNAL) and "value" not in values:
        errors.setdefault("value", f"is required with mode {mode}.")
    if mode is TakeProfitMode.SIGNAL and "value" in values:
        errors["value"] = "is not used with mode signal; leave it out."
    if errors:
        raise FieldError("; ".join(f"target {place}: {name} {reason}" for name, reason in errors.items()))
    return TakeProfitRule(**values)


def _pair(value: object, _name: str) -> Pair:
    return parse_pair(value)


_SYMBOLS = many(_pair, maximum=MAX_SYMBOLS)
_PERCENT = decimal(maximum="100")

READERS: Mapping[str, Reader] = {
    "name": string(100),
    "description": string(2000, multiline=True),
    "order_type": one_of(OrderType),
    "time_in_force": one_of(TimeInForce, also={"gtc": TimeInForce.STANDARD}),
    "market_type": one_of(MarketType),
    "leverage": decimal(minimum="1", maximum="200", above=False),
    "margin_mode": one_of(MarginMode),
    "max_slippage_bps": decimal(maximum="10000", above=False),
    "max_signal_age_seconds": integer(1, 30 * 86400),
    "sizing_mode": one_of(SizingMode),
    "sizing_value": decimal(),
    "min_notional": decimal(),
    "max_notional": decimal(),
    "stop_loss_mode": one_of(StopLossMode),
    "stop_loss_value": decimal(maximum="99"),
    "take_profits": _take_profits,
    "break_even_at_r": decimal(maximum="1000"),
    "trailing_stop_percent": decimal(maximum="99"),
    "trailing_activation_percent": decimal(maximum="10000"),
    "trailing_stop_distance": decimal(),
    "trailing_activation_distance": decimal(),
    "max_open_positions": integer(1, 100_000),
    "max_positions_per_symbol": integer(1, 100_000),
    "max_daily_loss_percent": _PERCENT,
    "allowed_symbols": _SYMBOLS,
    "blocked_symbols": _SYMBOLS,
    "trading_hours": read_trading_hours,
    "when_unprotected": one_of(WhenUnprotected),
}


class Contradiction(NamedTuple):
    """`fields` that may not stand together; the first one is blamed."""

    fields: tuple[str, ...]
    holds: Callable[..., bool]
    reason: str


_PERCENTAGES = (SizingMode.PERCENTAGE, SizingMode.RISK_PERCENT)

CONTRADICTIONS: tuple[Contradiction, ...] = (
    Contradiction(
        ("sizing_value", "sizing_mode"),
        lambda value, mode: mode in _PERCENTAGES and value > 100,
        "must be at most 100 when sizing_mode is a percentage.",
    ),
    Contradiction(
        ("sizing_mode", "stop_loss_mode"),
        lambda mode, stop: mode is SizingMode.RISK_PERCENT and stop is StopLossMode.NONE,
        "risk_percent needs a stop-loss; set stop_loss_mode to signal or percent.",
    ),
    Contradiction(
        ("max_notional", "min_notional"),
        lambda most, least: None not in (most, least) and most < least,
        "must not be below min_notional.",
    ),
    Contradiction(
        ("leverage", "market_type"),
        lambda leverage, market: leverage not in (None, 1) and market is not MarketType.SWAP,
        "is only for market_type swap.",
    ),
    Contradiction(
        ("margin_mode", "market_type"),
        lambda margin, market: margin is not None and market is not MarketType.SWAP,
        "is only for market_type swap.",
    ),
    Contradiction(
        ("stop_loss_value", "stop_loss_mode"),
        lambda value, mode: (value is None) is (mode is StopLossMode.PERCENT),
        "is required with stop_loss_mode percent, and only used there.",
    ),
    Contradiction(
        ("take_profits", "stop_loss_mode"),
        lambda rules, stop: (
            stop is StopLossMode.NONE and any(rule.mode is TakeProfitMode.R_MULTIPLE for rule in rules)
        ),
        "count in multiples of the risk, which needs a stop-loss; set stop_loss_mode to signal or percent.",
    ),
    Contradiction(
        ("break_even_at_r", "stop_loss_mode"),
        lambda at, stop: at is not None and stop is StopLossMode.NONE,
        "needs a stop-loss; set stop_loss_mode to signal or percent.",
    ),
    Contradiction(
        ("trailing_stop_distance", "trailing_stop_percent"),
        lambda distance, percent: None not in (distance, percent),
        "and trailing_stop_percent are two words for one thing; give one.",
    ),
    Contradiction(
        ("trailing_activation_distance", "trailing_activation_percent"),
        lambda distance, percent: None not in (distance, percent),
        "and trailing_activation_percent are two words for one thing; give one.",
    ),
    *(
        Contradiction(
            (activation, "trailing_stop_percent", "trailing_stop_distance"),
            lambda begins, *trailing: begins is not None and trailing == (None, None),
            "is only used together with trailing_stop_percent or trailing_stop_distance.",
        )
        for activation in ("trailing_activation_percent", "trailing_activation_distance")
    ),
    Contradiction(
        ("blocked_symbols", "allowed_symbols"),
        lambda blocked, allowed: bool(set(blocked) & set(allowed)),
        "and allowed_symbols have a symbol in common.",
    ),
    Contradiction(
        ("time_in_force", "order_type"),
        lambda force, kind: kind is OrderType.STOP and force is not TimeInForce.STANDARD,
        "must be standard when order_type is stop: a stop order waits for its trigger.",
    ),
)


def contradictions(values: Mapping[str, Any], wrong: Container[str]) -> dict[str, str]:
    """Reasons per field. `values` holds every field; those in `wrong` have a reason already."""
    found: dict[str, str] = {}
    for names, holds, reason in CONTRADICTIONS:
        if not any(name in wrong for name in names) and holds(*(values[name] for name in names)):
            found.setdefault(names[0], reason)
    return found


def missing(values: Mapping[str, Any]) -> dict[str, str]:
    """Fields that must be given. The size has a default in percent only: 1 BTC is not a sensible guess."""
    reasons = {} if "name" in values else {"name": "is required."}
    mode = values.get("sizing_mode", SizingMode.PERCENTAGE)
    if mode is not SizingMode.PERCENTAGE and "sizing_value" not in values:
        reasons["sizing_value"] = f"is required with sizing_mode {mode}."
    return reasons
