"""Orders and fills as the exchange keeps them. Plain records: how they change is decided elsewhere."""

from dataclasses import dataclass, field
from decimal import Decimal

from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.numbers import ZERO

OPEN_STATUSES = frozenset({"NEW", "PARTIALLY_FILLED"})
#: What orders a client may send, as markets announce it.
SPOT_TYPES = (
    "LIMIT",
    "LIMIT_MAKER",
    "MARKET",
    "STOP_LOSS",
    "STOP_LOSS_LIMIT",
    "TAKE_PROFIT",
    "TAKE_PROFIT_LIMIT",
)
PERP_TYPES = ("LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET")
STOP_TYPES = frozenset(
    {
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
        "STOP",
        "STOP_MARKET",
        "TAKE_PROFIT_MARKET",
    }
)
TAKE_PROFIT_TYPES = frozenset({"TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "TAKE_PROFIT_MARKET"})
SPOT_PRICED = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
#: The type a futures stop has once it works.
WORKING_TYPES = {
    "STOP": "LIMIT",
    "TAKE_PROFIT": "LIMIT",
    "STOP_MARKET": "MARKET",
    "TAKE_PROFIT_MARKET": "MARKET",
}
PERP_PRICED = frozenset({"LIMIT", "STOP", "TAKE_PROFIT"})


@dataclass(slots=True, eq=False)
class Fill:
    """One trade of one order. The fee is in `fee_asset`, the profit in the quote asset."""

    trade_id: int
    order_id: int
    market: Market
    side: str
    position_side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    realized_pnl: Decimal
    at_ms: int


@dataclass(slots=True, eq=False)
class Order:
    """One accepted order. `quantity` is in the base asset; for a quote order, what the amount bought."""

    order_id: int
    account_id: str
    market: Market
    client_order_id: str
    side: str
    order_type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    quote_quantity: Decimal
    created_ms: int
    #: When the exchange took the order, in nanoseconds: wall clock and monotonic clock.
    accepted_ns: int
    accepted_monotonic_ns: int
    reduce_only: bool = False
    close_position: bool = False
    position_side: str = "BOTH"
    #: "api" for what a client sent, "trigger" for the order behind a triggered algo order, "liquidation".
    origin: str = "api"
    #: True for a conditional order of the futures algo endpoints; it has its own id space.
    is_algo: bool = False
    actual_order_id: int = 0
    status: str = "NEW"
    #: False while a stop waits for its trigger.
    working: bool = True
    executed: Decimal = ZERO
    executed_quote: Decimal = ZERO
    #: What is still reserved for this order, in `locked_asset`.
    locked: Decimal = ZERO
    locked_asset: str = ""
    updated_ms: int = 0
    #: Queries do not show the order before this moment (a read-lag fault).
    visible_at_ms: int = 0
    fills: list[Fill] = field(default_factory=list)

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_buy(self) -> bool:
        return self.side == "BUY"

    @property
    def average_price(self) -> Decimal:
        return self.executed_quote / self.executed if self.executed else ZERO

    @property
    def is_stop(self) -> bool:
        return self.order_type in STOP_TYPES

    @property
    def is_priced(self) -> bool:
        """True when the order has a limit price once it works."""
        return self.order_type in (PERP_PRICED if self.market.is_perp else SPOT_PRICED)

    @property
    def triggers_upward(self) -> bool:
        """True when a rising price triggers the stop."""
        return self.is_buy != (self.order_type in TAKE_PROFIT_TYPES)
