"""The state of one paper account: what it holds, what rests, what was just filled. Pure data; the ledger
loads and keeps it, the other modules here change it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from portal.trading.numbers import exact
from portal.trading.orders import Balance
from portal.trading.types import (
    OrderState,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)

ZERO = Decimal(0)
#: What the ledger's columns keep.
_SCALE = Decimal("1E-18")
LIVE = (OrderState.OPEN, OrderState.PARTIALLY_FILLED)
#: The bucket of positions of a one-way account; a hedge account has one per position side.
NET = "net"


def money(value: Decimal) -> Decimal:
    """`value` as the ledger keeps it: 18 decimals, half to even."""
    with exact():
        return value.quantize(_SCALE, rounding=ROUND_HALF_EVEN)


@dataclass(slots=True)
class PaperOrder:
    """One accepted order. `number` is its place in the account's own count."""

    number: int
    client_order_id: str
    symbol: str
    bucket: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    reduce_only: bool
    placed_at: datetime
    updated_at: datetime
    state: OrderState = OrderState.OPEN
    filled_quantity: Decimal = ZERO
    #: Sum of quantity times price over its fills.
    filled_value: Decimal = ZERO
    fill_count: int = 0
    #: Held back from the free balance while it rests.
    reserved_currency: str = ""
    reserved: Decimal = ZERO
    triggered_at: datetime | None = None
    #: When the market took something of it last.
    matched_at: datetime | None = None

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.filled_quantity

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def waits_for_trigger(self) -> bool:
        return self.order_type is OrderType.STOP and self.triggered_at is None

    @property
    def sign(self) -> int:
        return 1 if self.side is Side.BUY else -1

    def end(self, state: OrderState, now: datetime) -> None:
        """Nothing rests any more, and nothing is held back."""
        self.state, self.reserved, self.updated_at = state, ZERO, now


@dataclass(slots=True)
class PaperFill:
    """One trade of one order; `sequence` counts within the order."""

    order_number: int
    sequence: int
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee_currency: str
    fee: Decimal
    is_maker: bool
    filled_at: datetime


@dataclass(slots=True)
class PaperPosition:
    """A linear swap position. `quantity` is signed; `cost` is what it was entered for, never negative."""

    symbol: str
    bucket: str
    settle: str
    contract_size: Decimal
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    leverage: Decimal = Decimal(1)

    @property
    def margin(self) -> Decimal:
        with exact():
            return money(self.cost / self.leverage)

    @property
    def side(self) -> PositionSide:
        return PositionSide.LONG if self.quantity > 0 else PositionSide.SHORT

    @property
    def average_entry_price(self) -> Decimal | None:
        if not self.quantity:
            return None
        with exact():
            return money(self.cost / (abs(self.quantity) * self.contract_size))


@dataclass(slots=True)
class PaperAccount:
    """Everything that decides what may happen next. Orders that have ended are in the ledger only."""

    balances: dict[str, Decimal]
    position_mode: PositionMode = PositionMode.ONE_WAY
    last_number: int = 0
    orders: dict[int, PaperOrder] = field(default_factory=dict)
    positions: dict[tuple[str, str], PaperPosition] = field(default_factory=dict)
    #: Made since the account was loaded.
    fills: list[PaperFill] = field(default_factory=list)

    def next_number(self) -> int:
        self.last_number += 1
        return self.last_number

    def live_orders(self) -> list[PaperOrder]:
        """What rests, oldest first."""
        return [order for _, order in sorted(self.orders.items()) if order.is_live]

    def open_positions(self) -> Iterator[PaperPosition]:
        return (position for position in self.positions.values() if position.quantity)

    def credit(self, currency: str, change: Decimal) -> None:
        self.balances[currency] = self.balances.get(currency, ZERO) + change

    def free(self, currency: str) -> Decimal:
        """What new orders may use; negative when losses ate more than there was."""
        held = sum((each.reserved for each in self.live_orders() if each.reserved_currency == currency), ZERO)
        margin = sum((each.margin for each in self.open_positions() if each.settle == currency), ZERO)
        return self.balances.get(currency, ZERO) - held - margin

    def balance(self, currency: str) -> Balance:
        return Balance(currency, max(self.free(currency), ZERO), self.balances.get(currency, ZERO))

    def choose_mode(self, wanted: PositionMode) -> None:
        """As at a real venue, the position mode changes only while nothing is open."""
        if not self.live_orders() and not any(self.open_positions()):
            self.position_mode = wanted
