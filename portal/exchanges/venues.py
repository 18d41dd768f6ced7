"""What must be known of a venue before it can be trusted with an order, and what is assumed when nothing is
known.

Pure data: imports no exchange library, so that the web process may read it. The entries are in
`venues_table.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from portal.exchanges.base import IdentityClass
from portal.trading.proof import Endpoint
from portal.trading.types import MarketType


class ClientIdShape(Enum):
    """How our 32 hex digits are written for a venue."""

    HEX32 = auto()
    #: `t-` and the first 28 digits; ccxt adds the `t-` itself and counts 28 without it.
    T_28 = auto()
    #: An integer of at most 45 bits, from the first 11 digits.
    INT45 = auto()
    #: `0x` and all 32 digits.
    HEX_0X = auto()
    #: 8-4-4-4-12.
    UUID = auto()


class WindowStyle(Enum):
    """How a request tells the venue until when it may be accepted."""

    NONE = auto()
    #: Request fields `timestamp` and `recvWindow` (Binance).
    TIMESTAMP_FIELD = auto()
    #: The signature's timestamp is the client's nonce, the width is the option `recvWindow` (Bybit, MEXC).
    NONCE_AND_OPTION = auto()
    #: The signature's timestamp is the client's nonce, the venue fixes the width (KuCoin: 5 s).
    NONCE = auto()
    #: A header with the deadline in milliseconds; `window_field` names it (OKX, Gate).
    HEADER = auto()
    #: A request field with the deadline in milliseconds; `window_field` names it (Deribit).
    FIELD_MILLISECONDS = auto()
    #: A request field with the deadline as RFC 3339; `window_field` names it (Kraken).
    FIELD_RFC3339 = auto()


class MarketBuy(Enum):
    """How a spot market buy is sized."""

    #: By quantity of the base currency, as we mean it.
    BY_QUANTITY = auto()
    #: By what it may cost: our quantity cannot be said, so an immediate-or-cancel limit order says it.
    BY_COST = auto()
    #: As `BY_COST`, and market sells and swaps need a worst price too (Hyperliquid).
    ALWAYS_NEEDS_PRICE = auto()


class QueryRoute(Enum):
    """One way to ask for an order by our id. `kind` counts for the proof of absence."""

    #: fetch_order with our id in a field.
    ORDER_BY_CLIENT_ID = (Endpoint.ORDER, auto())
    #: The same at a venue that forgets our id when the order ends: it shows no more than the open orders.
    PENDING_BY_CLIENT_ID = (Endpoint.OPEN, auto())
    #: MEXC swap: an endpoint that ccxt has no unified method for.
    ORDER_BY_EXTERNAL_OID = (Endpoint.ORDER, auto())
    #: Deribit: the state of every order under one label.
    ORDER_BY_LABEL = (Endpoint.ORDER, auto())
    #: The open orders of the symbol; filtered by the venue where `list_field` is known, always matched by us.
    OPEN = (Endpoint.OPEN, auto())
    #: The finished orders of the symbol since shortly before it was sent.
    HISTORY = (Endpoint.HISTORY, auto())
    #: The account's fills of the symbol since shortly before it was sent.
    FILLS = (Endpoint.FILLS, auto())

    @property
    def kind(self) -> Endpoint:
        kind: Endpoint = self.value[0]
        return kind


GENERIC_ROUTES = (QueryRoute.OPEN, QueryRoute.HISTORY, QueryRoute.FILLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """One row of the table. The defaults are the most careful reading of a venue that nobody has looked
    at.
    """

    #: The ccxt class that speaks its dialect.
    ccxt_id: str
    #: What people call it.
    title: str = ""
    identity: IdentityClass = IdentityClass.UNCHECKED
    id_shape: ClientIdShape = ClientIdShape.HEX32
    #: The field of create_order that carries our id, as ccxt or the venue names it.
    id_field: str = "clientOrderId"
    #: The field of fetch_order that carries it.
    query_field: str = "clientOrderId"
    #: The field by which the venue filters its lists; empty when it cannot.
    list_field: str = ""
    routes: tuple[QueryRoute, ...] = GENERIC_ROUTES
    #: Other routes for swap markets, when they differ.
    swap_routes: tuple[QueryRoute, ...] | None = None
    #: A list this long may be cut off, so a missing order is proof of nothing.
    page_size: int = 20
    window: WindowStyle = WindowStyle.NONE
    window_field: str = ""
    #: None: what ccxt says of the venue.
    market_buy: MarketBuy | None = None
    #: Parts of URLs that ccxt reads before it places an order; they place nothing themselves.
    preparation: tuple[str, ...] = ()
    #: Its lists of orders name our id, so that a list without it is a list without our order.
    lists_name_our_id: bool = False
    #: Requests of one key must arrive in the order of their nonces: one at a time.
    serial: bool = False
    #: The venue's codes have been read: InvalidOrder with a code outside `unknown_codes` is a refusal.
    codes_reviewed: bool = False
    #: Codes that do not say whether the order exists, whatever class ccxt gives them.
    unknown_codes: frozenset[str] = frozenset()
    #: Codes (or texts) that say that the client order id is in use.
    duplicate_codes: frozenset[str] = frozenset()
    hedge_mode: bool = False
    #: The field of fetch_my_trades that asks for the fills of one order.
    fills_order_field: str = ""
    #: None: what ccxt says of the venue.
    market_types: frozenset[MarketType] | None = None
    #: `trigger` orders are kept apart and must be asked for as such.
    separate_triggers: frozenset[MarketType] = frozenset()
    needs_trigger_direction: bool = False
    #: Markets on which resting stops have been looked at, from the request to the fill.
    guards: frozenset[MarketType] = frozenset()
    #: Stops exist with a limit price only.
    stop_needs_price: bool = False
    #: How the venue's own client order ids begin when it closes a position by itself: liquidation, ADL.
    forced_prefixes: tuple[str, ...] = ()
    #: The field of a triggered stop that names the order it has become, where that is another one.
    working_order_field: str = ""
    margin_mode_in_order: bool = False
    #: ccxt compares the quantity with a number on this venue, so that text will not do.
    quantity_as_number: bool = False
    #: The leverage travels with the order.
    leverage_in_order: bool = False
    #: The parameter of set_leverage that carries the margin mode, on venues that set both together.
    leverage_margin_field: str = ""
    #: Refuses to open without a URL of the operator's.
    needs_base_url: bool = False
    #: ccxt options beyond the common ones.
    options: Mapping[str, object] = field(default_factory=dict)

    def trigger_params(self, symbol: str) -> dict[str, Any]:
        """What tells ccxt that a stop order of `symbol` is meant, where those are kept apart."""
        kind = MarketType.SWAP if ":" in symbol else MarketType.SPOT
        return {"trigger": True} if kind in self.separate_triggers else {}

    def routes_for(self, *, swap: bool) -> tuple[QueryRoute, ...]:
        return self.swap_routes if swap and self.swap_routes is not None else self.routes


def shape_client_order_id(client_order_id: str, shape: ClientIdShape) -> str | int:
    """Our id as the venue takes it. Always the same for the same id."""
    match shape:
        case ClientIdShape.HEX32:
            return client_order_id
        case ClientIdShape.T_28:
            return f"t-{client_order_id[:28]}"
        case ClientIdShape.INT45:
            return int(client_order_id[:11] or "0", 16) or 1
        case ClientIdShape.HEX_0X:
            return f"0x{client_order_id}"
        case ClientIdShape.UUID:
            parts = (client_order_id[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
            return "-".join(parts)


def client_order_id_parameter(client_order_id: str, shape: ClientIdShape) -> str | int:
    """The same as ccxt takes it: without the prefix that ccxt adds."""
    shaped = shape_client_order_id(client_order_id, shape)
    return client_order_id[:28] if shape is ClientIdShape.T_28 else shaped
