"""The form of a preset for its owner: what most people set. It collects; `portal.trading.preset` judges."""

from typing import Any, Self

from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from portal.models import TradingPreset
from portal.web import preset_targets

_NUMBER = {"inputmode": "decimal", "autocomplete": "off"}
_WHOLE = {"inputmode": "numeric", "autocomplete": "off"}
_LISTS = ("allowed_symbols", "blocked_symbols")
_WHOLE_NUMBERS = ("max_open_positions", "max_positions_per_symbol")


def _choices(**labels: str) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in labels.items()]


def _number(label: str, description: str = "", default: str = "") -> StringField:
    return StringField(label, description=description, default=default, render_kw=_NUMBER)


class PresetForm(FlaskForm):  # type: ignore[misc]
    """What is left empty counts as not set. Fields that are not here keep what they have."""

    name = StringField("Name", validators=[InputRequired("A preset needs a name."), Length(max=100)])
    description = StringField("Description", validators=[Length(max=500)])
    market_type = SelectField(
        "Market", choices=_choices(spot="Spot", swap="Perpetuals"), description="When the signal names none."
    )
    leverage = _number("Leverage", "Perpetuals only. Empty: as the account is set.")
    sizing_mode = SelectField(
        "Size by",
        choices=_choices(
            percentage="Percent of the free balance", fixed_amount="Amount of quote currency",
            risk_percent="Percent of the equity at risk to the stop", fixed="Quantity of the base currency",
        ),
    )  # fmt: skip
    sizing_value = _number("Size", "The percent, amount or quantity.", "1")
    max_notional = _number("Largest order", "In quote currency; larger ones are cut.")
    stop_loss_mode = SelectField(
        "Stop loss",
        choices=_choices(signal="As the signal says", percent="Percent from the entry", none="None"),
    )
    stop_loss_value = _number("Stop distance (%)", "Only for: percent from the entry.")
    take_profits = TextAreaField(
        "Take profits", render_kw={"rows": 3},
        description="One per line: mode, value, part of the position. Such as “percent 2 0.5” or "
        "“r_multiple 1.5 0.5”. Empty: all targets of the signal.",
    )  # fmt: skip
    max_open_positions = StringField("Open positions, at most", render_kw=_WHOLE)
    max_positions_per_symbol = StringField("Per symbol, at most", render_kw=_WHOLE)
    max_daily_loss_percent = _number("Daily loss, at most (%)", "Of the equity at the start of the day.")
    allowed_symbols = StringField(
        "Allowed symbols", description="Such as BTC/USDT, ETH/USDT. Empty: every one."
    )
    blocked_symbols = StringField("Blocked symbols")

    @classmethod
    def for_preset(cls, preset: TradingPreset) -> Self:
        """Filled in with what is stored, unless something was sent."""
        stored = preset.rules().to_dict()
        stored = {name: "" if value is None else str(value) for name, value in stored.items()}
        stored |= {name: ", ".join(getattr(preset, name)) for name in _LISTS}
        stored["take_profits"] = "\n".join(preset_targets.written(preset.take_profits))
        return cls(data=stored)

    def values(self) -> dict[str, Any]:
        """What the service reads. Raises ValidationError for targets that cannot be understood."""
        values: dict[str, Any] = {field.name: (field.data or "").strip() or None for field in self}
        values.pop("csrf_token", None)
        values["description"] = values["description"] or ""
        for name in _WHOLE_NUMBERS:
            text = values[name]
            values[name] = (
                int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else text
            )
        for name in _LISTS:
            values[name] = [each.strip() for each in (values[name] or "").split(",") if each.strip()]
        values["take_profits"] = preset_targets.read((values["take_profits"] or "").splitlines())
        return values
