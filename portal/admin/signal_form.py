"""The form of a draft signal. It collects; `portal.trading.signal` judges."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask_admin.form import BaseForm
from wtforms import SelectMultipleField
from wtforms.fields.choices import SelectChoice

from portal.admin.fields import LinesField, MomentField, NumberField, TextField, WordField
from portal.db import db
from portal.models import Plan
from portal.trading.types import MarketType, OrderType, Side, SignalAction, TimeInForce


def _plan_names() -> list[SelectChoice]:
    rows = db.session.scalars(sa.select(Plan.name).where(Plan.is_active).order_by(Plan.name))
    return [SelectChoice(name) for name in rows]


class SignalForm(BaseForm):  # type: ignore[misc]
    currency_pair = TextField("Currency pair", description="Such as BTC/USDT or EUR/USD.")
    direction = WordField("Direction", Side)
    action = WordField("Action", SignalAction, default=SignalAction.OPEN)
    market_type = WordField("Market", MarketType, empty="as the preset says")
    order_type = WordField("Order type", OrderType, empty="as the preset says")
    time_in_force = WordField("Time in force", TimeInForce, empty="as the preset says")
    open_price = NumberField(
        "Open price", description="Limit or trigger price; for market orders the price seen."
    )
    sl = NumberField("Stop loss")
    tp = LinesField("Take profit", description="Up to three prices, one per line.")
    expires_at = MomentField("Expires at (UTC)")
    plans = SelectMultipleField(
        "Plans",
        choices=_plan_names,
        description="Accounts of subscribers receive it. Admin-owned accounts always do.",
    )

    def to_data(self) -> dict[str, Any]:
        """What `services.signals` reads; empty inputs are left out."""
        return {field.name: _plain(field.data) for field in self if field.data not in (None, "", [])}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if hasattr(value, "isoformat") else value


FIELDS = (
    "currency_pair", "direction", "action", "market_type", "order_type", "time_in_force",
    "open_price", "sl", "tp", "expires_at", "plans",
)  # fmt: skip
SECTIONS = (
    ("What to trade", ("currency_pair", "direction", "action", "market_type")),
    ("How to enter", ("order_type", "open_price", "time_in_force", "expires_at")),
    ("How to leave", ("sl", "tp")),
    ("Who receives it", ("plans",)),
)
