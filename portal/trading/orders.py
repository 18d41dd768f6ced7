"""The messages between Portico and a venue, in Decimal and UTC: what is asked, and what is reported back."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from portal.trading.types import (
    MarginMode,
    OrderState,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)


def client_order_id(install_key: bytes, intent_key: str) -> str:
    """Our deterministic id of one intended order: the first 32 hex of HMAC-SHA256(install key, intent key).

    `intent_key` names execution or position, leg and generation, e.g. `execution-42:entry:0`. Lower-case hex
    fits every large venue; adapters shape it further where a venue wants less (`ClientIdShape`).
    """
    return hmac.new(install_key, intent_key.encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order, ready to send. Prices are on the tick, quantity on the lot.

    `sent_at` and `not_after` are the stored validity window: an adapter ties the request's own timestamp to
    `sent_at` where the venue allows it, so that a paused worker's late request is refused by the venue, and
    it never opens a socket after `not_after`.
    """

    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    sent_at: datetime
    not_after: datetime
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.STANDARD
    reduce_only: bool = False
    position_side: PositionSide | None = None
    position_mode: PositionMode = PositionMode.ONE_WAY
    leverage: Decimal | None = None
    margin_mode: MarginMode | None = None
    #: A stop order that triggers in the owner's favour: a sell when the price rises to `trigger_price`.
    takes_profit: bool = False


@dataclass(frozen=True, slots=True)
class OrderRef:
    """Enough to ask a venue about an order that may or may not exist there."""

    client_order_id: str
    symbol: str
    sent_at: datetime
    exchange_order_id: str | None = None
    trigger: bool = False


@dataclass(frozen=True, slots=True)
class Fee:
    """What a fill cost, as the venue charged it. `rate` is what one unit of `currency` was worth in the
    currency that the position is counted in, and `rate_source` where that was read; only for fees in a third
    currency, and None when nobody could say."""

    currency: str
    cost: Decimal
    rate: Decimal | None = None
    rate_source: str = ""


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution report. `exchange_fill_id` is the venue's own id: the key that makes repeats harmless."""

    exchange_fill_id: str
    exchange_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    filled_at: datetime
    fees: tuple[Fee, ...] = ()
    is_maker: bool | None = None
    #: Accounts with both sides of a market: the side that it changed, when the venue says.
    position_side: PositionSide | None = None
    #: The venue says that it brought this about by itself: liquidation or auto-deleveraging.
    forced: bool = False


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What the venue says of one order. `filled_quantity` is a hint until the fills agree."""

    exchange_order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    state: OrderState
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduce_only: bool | None = None
    updated_at: datetime | None = None
    fills: tuple[FillReport, ...] = ()
    #: A stop that has triggered may work on as another order of the venue's: its fills are under this id.
    working_order_id: str | None = None
    #: As of fills.
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Orders of one list. Not `whole`: there may be more, so that nothing follows from what is missing."""

    orders: tuple[OrderReport, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Lookup:
    """The answer to "do you know this order?". A missing report is proof of nothing by itself: `absent_from`
    names the kinds of endpoint that answered and did not have it; endpoints that failed are not in it."""

    report: OrderReport | None
    absent_from: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Balance:
    currency: str
    free: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Ticker:
    """Best prices now. Any may be missing; none is ever zero or NaN. The book may be crossed."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    #: By the venue's own time where it gives one, else when we received it.
    observed_at: datetime

    @property
    def is_crossed(self) -> bool:
        """Somebody would buy for more than somebody sells for: such a book is not to be believed."""
        return self.bid is not None and self.ask is not None and self.bid > self.ask

    @property
    def mark_price(self) -> Decimal | None:
        """Mid when both sides are known and make sense, else last."""
        if self.bid is not None and self.ask is not None and not self.is_crossed:
            return (self.bid + self.ask) / 2
        return self.last


@dataclass(frozen=True, slots=True)
class PositionReport:
    symbol: str
    position_side: PositionSide
    quantity: Decimal
    average_entry_price: Decimal | None
    liquidation_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What a connection test learns. None means that the venue did not say."""

    can_trade: bool | None = None
    can_withdraw: bool | None = None
    ip_restricted: bool | None = None
    key_expires_at: datetime | None = None
    position_mode: PositionMode | None = None
    margin_mode: MarginMode | None = None
    leverage: Decimal | None = None
    #: The market that margin mode and leverage were read for, where they differ by market.
    setup_symbol: str = ""
    #: Our clock minus the venue's.
    clock_offset_ms: int | None = None
    #: In the venue's own words.
    permissions: tuple[str, ...] = ()
    #: Why the venue said nothing of the key, as a sentence; empty when it answered.
    key_unknown: str = ""
    #: The question about the key failed in a way that may pass by itself.
    ask_key_again: bool = False
    #: False: the key was not asked about; only clock and balances are news.
    thorough: bool = True
    balances: tuple[Balance, ...] = field(default=())
