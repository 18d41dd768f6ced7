"""How an account trades a signal. The rules themselves live in `portal/trading/preset.py`."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.db import Base, JsonDict, enum_type
from portal.models.base import IntPk, Timestamps, foreign_key
from portal.trading.preset import PresetRules, parse_preset
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


class TradingPreset(Timestamps, Base):
    __tablename__ = "trading_presets"
    __table_args__ = (sa.UniqueConstraint("owner_id", "name", postgresql_nulls_not_distinct=True),)

    id: Mapped[IntPk]
    #: Whose preset it is; empty for the installation's own.
    owner_id: Mapped[int | None] = mapped_column(foreign_key("users.id"), index=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    #: A disabled preset denies every signal on its connections.
    enabled: Mapped[bool] = mapped_column(default=True)
    #: `public` presets may be used by every trader.
    visibility: Mapped[Visibility] = mapped_column(enum_type(Visibility), default=Visibility.PRIVATE)
    #: Used when the signal names no order type.
    order_type: Mapped[OrderType] = mapped_column(enum_type(OrderType), default=OrderType.MARKET)
    time_in_force: Mapped[TimeInForce] = mapped_column(enum_type(TimeInForce), default=TimeInForce.STANDARD)
    #: Used when the signal names no market type.
    market_type: Mapped[MarketType] = mapped_column(enum_type(MarketType), default=MarketType.SPOT)
    leverage: Mapped[Decimal | None]
    margin_mode: Mapped[MarginMode | None] = mapped_column(enum_type(MarginMode))
    #: How far the price may have moved against us since `open_price`, in basis points.
    max_slippage_bps: Mapped[Decimal] = mapped_column(default=Decimal(100))
    #: Older signals expire instead of trading.
    max_signal_age_seconds: Mapped[int] = mapped_column(default=60)
    sizing_mode: Mapped[SizingMode] = mapped_column(enum_type(SizingMode), default=SizingMode.PERCENTAGE)
    #: Base quantity, percent, quote amount or percent of equity, by `sizing_mode`.
    sizing_value: Mapped[Decimal] = mapped_column(default=Decimal(1))
    #: In quote currency; smaller orders are denied.
    min_notional: Mapped[Decimal | None]
    #: In quote currency; bigger orders are cut.
    max_notional: Mapped[Decimal | None]
    stop_loss_mode: Mapped[StopLossMode] = mapped_column(enum_type(StopLossMode), default=StopLossMode.SIGNAL)
    #: Percent from the entry, for mode `percent`.
    stop_loss_value: Mapped[Decimal | None]
    #: Up to three of {"mode", "value"?, "close_fraction"}; empty = all targets of the signal.
    take_profits: Mapped[list[JsonDict]] = mapped_column(JSONB, default=list)
    #: Move the stop to the entry once the gain is this many times the risk.
    break_even_at_r: Mapped[Decimal | None]
    trailing_stop_percent: Mapped[Decimal | None]
    #: Gain in percent at which trailing begins.
    trailing_activation_percent: Mapped[Decimal | None]
    #: Instead of the percentages: distances in quote currency.
    trailing_stop_distance: Mapped[Decimal | None]
    trailing_activation_distance: Mapped[Decimal | None]
    max_open_positions: Mapped[int | None]
    max_positions_per_symbol: Mapped[int | None]
    #: Percent of the day's starting equity.
    max_daily_loss_percent: Mapped[Decimal | None]
    #: Empty = every symbol.
    allowed_symbols: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)
    blocked_symbols: Mapped[list[str]] = mapped_column(ARRAY(sa.Text), default=list)
    #: {"days", "start", "end", "timezone"}; empty = always.
    trading_hours: Mapped[JsonDict | None] = mapped_column(JSONB)
    when_unprotected: Mapped[WhenUnprotected] = mapped_column(
        enum_type(WhenUnprotected), default=WhenUnprotected.ALERT
    )

    def rules(self) -> PresetRules:
        """The preset as pure rules. Raises PresetError when the row was made invalid outside Portico."""
        return parse_preset({name: _text(getattr(self, name)) for name in PresetRules.field_names()})

    def __str__(self) -> str:
        return self.name


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
