"""The rules by which an account trades, as data. Reading them from JSON is `preset_fields`' work."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum
from typing import Any

from portal.errors import ValidationError
from portal.trading.fields import read_fields
from portal.trading.hours import TradingHours
from portal.trading.numbers import text
from portal.trading.preset_fields import READERS, TakeProfitRule, contradictions, missing
from portal.trading.symbols import Pair
from portal.trading.types import (
    MarginMode,
    MarketType,
    OrderType,
    SizingMode,
    StopLossMode,
    TimeInForce,
    WhenUnprotected,
)

__all__ = ["PresetError", "PresetRules", "TakeProfitRule", "parse_preset"]


class PresetError(ValidationError):
    """The preset was refused; `errors` has one reason per field, all of them at once."""


@dataclass(frozen=True, slots=True)
class PresetRules:
    """How a signal is traded on one account. Percentages are 0-100; money is in quote currency.

    `order_type`, `time_in_force` and `market_type` count where the signal says nothing. No `take_profits`
    means all targets of the signal in equal parts. No limit means unlimited.
    """

    name: str
    description: str = ""
    order_type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.STANDARD
    market_type: MarketType = MarketType.SPOT
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    max_slippage_bps: Decimal = Decimal(100)
    max_signal_age_seconds: int = 60
    sizing_mode: SizingMode = SizingMode.PERCENTAGE
    sizing_value: Decimal = Decimal(1)
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    stop_loss_mode: StopLossMode = StopLossMode.SIGNAL
    stop_loss_value: Decimal | None = None
    take_profits: tuple[TakeProfitRule, ...] = ()
    break_even_at_r: Decimal | None = None
    trailing_stop_percent: Decimal | None = None
    trailing_activation_percent: Decimal | None = None
    #: Instead of the percentages: distances in quote currency.
    trailing_stop_distance: Decimal | None = None
    trailing_activation_distance: Decimal | None = None
    max_open_positions: int | None = None
    max_positions_per_symbol: int | None = None
    max_daily_loss_percent: Decimal | None = None
    allowed_symbols: tuple[Pair, ...] = ()
    blocked_symbols: tuple[Pair, ...] = ()
    trading_hours: TradingHours | None = None
    when_unprotected: WhenUnprotected = WhenUnprotected.ALERT

    @classmethod
    def default(cls) -> "PresetRules":
        """What a connection without a preset trades by."""
        return cls(name="Built-in defaults")

    @classmethod
    def field_names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    def to_dict(self) -> dict[str, Any]:
        """JSON that `parse_preset` reads back to the same rules; money and percentages as strings."""
        return {name: _json(getattr(self, name)) for name in self.field_names()}


def parse_preset(data: Mapping[str, object]) -> PresetRules:
    """Raises PresetError with a reason for every field that is wrong. JSON null means: not given."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = read_fields(data, READERS, errors)
    errors = missing(values) | errors
    built_in = PresetRules.default()
    everything = {name: getattr(built_in, name) for name in PresetRules.field_names()} | values
    errors |= contradictions(everything, wrong=errors)
    if errors:
        raise PresetError(errors)
    return PresetRules(**values)


def _json(value: object) -> object:
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, Pair | StrEnum):
        return str(value)
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, TradingHours | TakeProfitRule):
        return value.to_dict()
    return value
