"""The form of a preset. It collects; `portal.trading.preset` judges, and its reasons land at the fields."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_admin.form import BaseForm
from wtforms import BooleanField
from wtforms.validators import InputRequired, Length

from portal.admin.fields import LinesField, NumberField, RowField, TextField, WordField
from portal.models import TradingPreset, User
from portal.trading.preset import PresetRules
from portal.trading.types import (
    MarginMode,
    MarketType,
    OrderType,
    SizingMode,
    StopLossMode,
    TimeInForce,
    Visibility,
    WhenUnprotected,
)
from portal.web import preset_targets

_DEFAULTS = PresetRules.default()
_HOURS = ("trading_days", "trading_start", "trading_end", "trading_timezone")
#: Where the reasons of `parse_preset` belong.
_ALIASES = {"trading_hours": "trading_days"}
_OURS = ("owner_id", "enabled", "visibility", *_HOURS)


class PresetForm(BaseForm):  # type: ignore[misc]
    aliases = _ALIASES
    name = TextField("Name", validators=[InputRequired("A preset needs a name."), Length(max=100)])
    description = TextField("Description", validators=[Length(max=500)])
    owner_id = RowField(
        "Owner",
        lambda: sa.select(User.id, User.email).order_by(User.email),
        empty="the installation",
    )
    visibility = WordField("Who may use it", Visibility)
    enabled = BooleanField("Enabled", default=True, description="A disabled preset denies every signal.")
    order_type = WordField("Order type", OrderType, description="When the signal names none.")
    time_in_force = WordField("Time in force", TimeInForce)
    market_type = WordField("Market", MarketType)
    leverage = NumberField("Leverage")
    margin_mode = WordField("Margin", MarginMode, empty="as the account is set")
    max_slippage_bps = NumberField("Slippage limit (bps)", default=_DEFAULTS.max_slippage_bps)
    max_signal_age_seconds = NumberField("Oldest signal (seconds)", default=Decimal(60))
    sizing_mode = WordField("Size by", SizingMode, default=SizingMode.PERCENTAGE)
    sizing_value = NumberField(
        "Size",
        default=Decimal(1),
        description="Base quantity, percent of the balance, quote amount, or percent at risk.",
    )
    min_notional = NumberField("Smallest order", description="In quote currency; smaller is denied.")
    max_notional = NumberField("Largest order", description="In quote currency; larger is cut.")
    stop_loss_mode = WordField("Stop loss", StopLossMode, default=StopLossMode.SIGNAL)
    stop_loss_value = NumberField("Stop distance (%)", description="Only for: percent.")
    take_profits = LinesField(
        "Take profits",
        description="One per line: mode, value, fraction. Such as “percent 2 0.5”, “r_multiple 1.5 0.5” or "
        "“signal 0.5”. Empty: all targets of the signal.",
    )
    break_even_at_r = NumberField("Break even at (R)")
    trailing_stop_percent = NumberField("Trailing stop (%)")
    trailing_activation_percent = NumberField("Trailing starts at (%)")
    trailing_stop_distance = NumberField(
        "Trailing stop (distance)", description="In quote currency, instead of the percentage."
    )
    trailing_activation_distance = NumberField(
        "Trailing starts at (distance)", description="Gain per unit in quote currency."
    )
    when_unprotected = WordField("Without protection", WhenUnprotected)
    max_open_positions = NumberField("Open positions, at most")
    max_positions_per_symbol = NumberField("Per symbol, at most")
    max_daily_loss_percent = NumberField("Daily loss, at most (%)")
    allowed_symbols = LinesField("Allowed symbols", description="Empty: every symbol.")
    blocked_symbols = LinesField("Blocked symbols")
    trading_days = LinesField("Trading days", description="mon, tue, wed, thu, fri, sat, sun. Empty: always.")
    trading_start = TextField("From", description="08:00")
    trading_end = TextField("To", description="20:00; earlier than From means the next day.")
    trading_timezone = TextField("Time zone", description="Such as Europe/Berlin.")

    def to_data(self) -> dict[str, Any]:
        """What `parse_preset` reads; empty inputs are left out. Raises ValidationError for the targets."""
        fields = [field for field in self if field.name not in _OURS]
        data = {field.name: _plain(field.data) for field in fields if field.data not in (None, "", [])}
        if self.take_profits.data:
            data["take_profits"] = preset_targets.read(self.take_profits.data)
        hours = {name.removeprefix("trading_"): self[name].data for name in _HOURS if self[name].data}
        return data | ({"trading_hours": hours} if hours else {})

    def show(self, preset: TradingPreset) -> None:
        """Fill in what is stored in another shape."""
        self.take_profits.data = preset_targets.written(preset.take_profits)
        for key, value in (preset.trading_hours or {}).items():
            self[f"trading_{key}"].data = value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 10**15 else f"{value:f}"
    return value


SECTIONS = (
    ("Preset", ("name", "description", "owner_id", "visibility", "enabled")),
    (
        "Order",
        ("order_type", "time_in_force", "market_type", "leverage", "margin_mode", "max_slippage_bps",
        "max_signal_age_seconds"),
    ),
    ("Size", ("sizing_mode", "sizing_value", "min_notional", "max_notional")),
    (
        "Exits",
        (
            "stop_loss_mode", "stop_loss_value", "take_profits", "break_even_at_r", "trailing_stop_percent",
            "trailing_activation_percent", "trailing_stop_distance", "trailing_activation_distance",
            "when_unprotected",
        ),
    ),
    (
        "Limits",
        (
            "max_open_positions", "max_positions_per_symbol", "max_daily_loss_percent", "allowed_symbols",
            "blocked_symbols",
            *_HOURS,
        ),
    ),
)  # fmt: skip
FIELDS = tuple(name for _, names in SECTIONS for name in names)
