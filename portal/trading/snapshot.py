"""What was known about an account and its market at the moment a signal is judged. Read by services, never
here."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from portal.trading.instrument import Instrument
from portal.trading.orders import Ticker
from portal.trading.price_sanity import Doubt
from portal.trading.types import OrderType, PositionMode, TimeInForce, TradingStateValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`free_quote` and `equity` are in `instrument.cash_currency`, `free_base` in base currency (spot).

    `now` is aware. `opposite_open` means: a position of ours on this symbol that this signal would shrink.
    `daily_loss_percent` is today's loss in percent of the day's starting equity, zero or less after a gain.
    `multiplier` is what the decision step gave, `max_multiplier` the most it may.
    """

    now: datetime
    instrument: Instrument
    ticker: Ticker | None
    #: Why that price may not be acted on, after a second look; None when it may.
    price_doubt: Doubt | None = None
    free_quote: Decimal
    equity: Decimal
    free_base: Decimal | None = None
    position_mode: PositionMode = PositionMode.ONE_WAY
    open_positions: int = 0
    open_positions_on_symbol: int = 0
    opposite_open: bool = False
    daily_loss_percent: Decimal = Decimal(0)
    trading_state: TradingStateValue = TradingStateValue.ACTIVE
    multiplier: Decimal = Decimal(1)
    max_multiplier: Decimal = Decimal(1)
    order_types: frozenset[OrderType] = frozenset(OrderType)
    time_in_force: frozenset[TimeInForce] = frozenset(TimeInForce)
