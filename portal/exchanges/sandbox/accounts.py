"""Practice accounts: keys, spot balances, futures wallet and positions, and an index of their orders."""

import secrets
from dataclasses import dataclass, field
from decimal import Decimal

from portal.exchanges.sandbox.errors import bad_control
from portal.exchanges.sandbox.numbers import ZERO
from portal.exchanges.sandbox.orders import Fill, Order

DEFAULT_USDT = Decimal("10000")
DEFAULT_LEVERAGE = 20
IDENTITY_CLASSES = ("b_open", "b_all", "a_replay", "c_none")


@dataclass(slots=True)
class Balance:
    """Spot holdings of one asset."""

    free: Decimal = ZERO
    locked: Decimal = ZERO


@dataclass(slots=True)
class Position:
    """One futures position. `quantity` is signed: negative is short."""

    symbol: str
    position_side: str
    quantity: Decimal = ZERO
    entry_price: Decimal = ZERO
    updated_ms: int = 0


@dataclass(slots=True)
class FuturesWallet:
    """The USDT-margined side of an account. All amounts in USDT."""

    balance: Decimal = ZERO
    order_margin: Decimal = ZERO
    hedged: bool = False
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    leverage: dict[str, int] = field(default_factory=dict)
    isolated: set[str] = field(default_factory=set)

    def position(self, symbol: str, position_side: str) -> Position:
        key = (symbol, position_side)
        if key not in self.positions:
            self.positions[key] = Position(symbol, position_side)
        return self.positions[key]

    def leverage_of(self, symbol: str) -> int:
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)


@dataclass(slots=True, eq=False)
class Account:
    """One practice account; its API key works for spot and futures."""

    account_id: str
    api_key: str
    secret: bytes
    balances: dict[str, Balance]
    futures: FuturesWallet
    #: Overrides the exchange-wide rule for repeated client order ids.
    identity_class: str | None = None
    enabled: bool = True
    can_trade: bool = True
    #: Whether stop orders are taken from it. A lever like a fault: no journal keeps it.
    can_stop: bool = True
    can_withdraw: bool = False
    ip_restricted: bool = True
    created_ms: int = 0
    #: A coin in which it pays its fees, whatever it trades; None: base or quote, as usual.
    fee_asset: str | None = None
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    open_orders: dict[tuple[bool, int], Order] = field(default_factory=dict)
    #: Latest order per (market key, algo or not, client order id).
    by_client_id: dict[tuple[str, bool, str], Order] = field(default_factory=dict)
    by_order_id: dict[tuple[bool, int], Order] = field(default_factory=dict)

    def balance(self, asset: str) -> Balance:
        held = self.balances.get(asset)
        if held is None:
            held = self.balances[asset] = Balance()
        return held

    def index(self, order: Order) -> None:
        self.orders.append(order)
        self.by_client_id[order.market.key, order.is_algo, order.client_order_id] = order
        self.by_order_id[order.is_algo, order.order_id] = order
        if order.is_open:
            self.open_orders[order.is_algo, order.order_id] = order


class AccountRegistry:
    """Every account, by name and by API key."""

    def __init__(self) -> None:
        self.by_id: dict[str, Account] = {}
        self.by_key: dict[str, Account] = {}

    def add(self, account: Account) -> Account:
        if account.account_id in self.by_id or account.api_key in self.by_key:
            raise bad_control(f"An account named {account.account_id!r} or with this API key already exists.")
        self.by_id[account.account_id] = account
        self.by_key[account.api_key] = account
        return account

    def find(self, reference: str) -> Account:
        """The account with this name or API key. Raises VenueError when there is none."""
        account = self.by_id.get(reference) or self.by_key.get(reference)
        if account is None:
            raise bad_control(f"There is no practice account {reference!r}.")
        return account

    def next_id(self) -> str:
        number = len(self.by_id) + 1
        while f"account-{number}" in self.by_id:
            number += 1
        return f"account-{number}"


def new_key() -> str:
    """A key or secret shaped like Binance's: 64 letters and digits."""
    return secrets.token_hex(32)
