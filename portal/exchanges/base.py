"""The contract that every adapter keeps. `tests/exchanges/contract.py` holds each adapter to what it
claims."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from portal.trading.instrument import Instrument
from portal.trading.orders import (
    AccountFacts,
    Balance,
    FillReport,
    Listing,
    Lookup,
    OrderRef,
    OrderReport,
    OrderRequest,
    PositionReport,
    Ticker,
)
from portal.trading.types import MarketType, OrderType, TimeInForce

#: Asks whether an order may still be sent. Raises ExchangeError NOT_PLACED when not; may take a moment.
LastCheck = Callable[[], None]


class IdentityClass(StrEnum):
    """What a venue does with a client order id it has seen before (reliability.md 2.4)."""

    REPLAY = "A"
    REFUSED_FOR_EVER = "B-all"
    REFUSED_WHILE_OPEN = "B-open"
    UNCHECKED = "C"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this adapter promises for this venue. Unknown = not promised."""

    market_types: frozenset[MarketType]
    order_types: frozenset[OrderType]
    time_in_force: frozenset[TimeInForce]
    identity: IdentityClass = IdentityClass.UNCHECKED
    query_by_client_order_id: bool = False
    request_window: bool = False
    reduce_only: bool = False
    hedge_mode: bool = False
    native_stop: bool = False
    #: Where a stop that rests here can be trusted to guard a position: it is placed, found again, canceled,
    #: and what it fills is reported under an id that we know.
    guards: frozenset[MarketType] = frozenset()
    #: Where resting orders that take profit can be trusted likewise.
    resting_targets: frozenset[MarketType] = frozenset()
    #: Its stops need a limit price, too.
    stop_needs_price: bool = False
    #: This venue sizes spot market buys by cost: such a request needs a `price`, the worst acceptable one,
    #: and is sent as an immediate-or-cancel limit order for exactly the quantity asked for.
    market_buy_needs_price: bool = False
    #: As above, for every market order.
    market_needs_price: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """Decrypted API credentials on their way to an adapter. Never printed."""

    values: Mapping[str, str] = field(repr=False)

    def get(self, key: str, default: str = "") -> str:
        return self.values.get(key, default)


class Exchange(Protocol):
    """One account at one venue. All methods may use the network, none may run inside a database
    transaction, all raise `ExchangeError`. Reads may be repeated; `place_order` must never be repeated by
    anybody."""

    @property
    def capabilities(self) -> Capabilities: ...

    def instruments(self) -> Mapping[str, Instrument]:
        """All markets by unified symbol; loaded once per venue and process and shared by all accounts."""

    def balances(self, market_type: MarketType) -> Mapping[str, Balance]:
        """Free and total per currency of the wallet that pays for `market_type`."""

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """Best prices of `symbols` in one request where the venue can. Symbols without a usable price are
        missing."""

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The same by other routes where the venue has them, the order book and the last trade: to confirm
        prices of `tickers` that are hard to believe. A few requests."""

    def place_order(self, request: OrderRequest, last_check: LastCheck | None = None) -> OrderReport:
        """Send `request` ONCE. Returns only when the venue acknowledged it with an id that is ours.
        `last_check` is called right before it is sent, after all preparation; what it raises stops it.

        Raises ExchangeError with outcome NOT_PLACED only with proof; anything else, of whatever kind, is
        UNKNOWN."""

    def cancel_order(self, ref: OrderRef) -> None:
        """Ask the venue to cancel. Success means accepted, not canceled: look afterwards. Gone already is
        success."""

    def find_order(self, ref: OrderRef) -> Lookup:
        """Ask every query route this venue has, by client order id (and by `ref.exchange_order_id` when
        known).

        Raises only when no route answered."""

    def open_orders(self, symbol: str) -> Sequence[OrderReport]:
        """The account's resting orders on `symbol`, foreign ones included."""

    def all_open_orders(self, kind: MarketType) -> Listing:
        """The account's resting orders on all markets of `kind`, foreign ones included. Costs much at some
        venues. Raises ExchangeError UNSUPPORTED where `wide_lists` has no entry."""

    def fills(
        self, symbol: str, since: datetime, exchange_order_id: str | None = None
    ) -> Sequence[FillReport]:
        """The account's fills on `symbol` since `since` (all pages), of one order when given."""

    def positions(self, symbols: Sequence[str]) -> Sequence[PositionReport]:
        """Open derivative positions, of all markets when none is named. An empty answer is data, a failed
        read raises."""

    def account_facts(self, *, thorough: bool = True) -> AccountFacts:
        """What the key may do and how the account is set up. Not `thorough`: only that the key works, what
        the account holds and how far off the clock is, for the price of one read."""

    def close(self) -> None:
        """Release sockets. The object is not used afterwards."""
