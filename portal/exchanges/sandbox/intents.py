"""What a client asks for: the parameters of a new order, checked for form. Market rules come later."""

import re
from dataclasses import dataclass
from decimal import Decimal

from portal.exchanges.sandbox.errors import VenueError, illegal, missing
from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.numbers import ZERO, Params, flag, optional_decimal, required_decimal
from portal.exchanges.sandbox.orders import PERP_PRICED, PERP_TYPES, SPOT_PRICED, SPOT_TYPES, STOP_TYPES

CLIENT_ID_PATTERN = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


@dataclass(frozen=True, slots=True)
class Intent:
    """A well-formed order request. Zero means "not given" for prices and quantities."""

    market: Market
    client_order_id: str
    side: str
    order_type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    quote_quantity: Decimal
    reduce_only: bool = False
    close_position: bool = False
    position_side: str = "BOTH"
    is_algo: bool = False


def client_id(params: Params, name: str) -> str:
    """The client's own id of the order, or empty when it sent none."""
    value = params.get(name, "")
    if value and _CLIENT_ID.fullmatch(value) is None:
        raise illegal(name, CLIENT_ID_PATTERN)
    return value


def _choice(params: Params, name: str, known: tuple[str, ...], code: int, message: str) -> str:
    value = params.get(name, "")
    if not value:
        raise missing(name)
    if value not in known:
        raise VenueError(code, message)
    return value


def _side(params: Params) -> str:
    return _choice(params, "side", ("BUY", "SELL"), -1117, "Invalid side.")


def _time_in_force(params: Params, known: tuple[str, ...], needed: bool) -> str:
    if not needed and not params.get("timeInForce"):
        return "GTC"
    return _choice(params, "timeInForce", known, -1115, "Invalid timeInForce.")


def spot_intent(market: Market, params: Params) -> Intent:
    """Reads the parameters of `POST /api/v3/order`. Raises VenueError for what is missing or malformed."""
    order_type = _choice(params, "type", SPOT_TYPES, -1116, "Invalid orderType.")
    priced = order_type in SPOT_PRICED
    quote = optional_decimal(params, "quoteOrderQty") if order_type == "MARKET" else None
    if quote is not None and params.get("quantity"):
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    return Intent(
        market=market,
        client_order_id=client_id(params, "newClientOrderId"),
        side=_side(params),
        order_type=order_type,
        time_in_force=_time_in_force(params, ("GTC", "IOC", "FOK"), priced and order_type != "LIMIT_MAKER"),
        quantity=ZERO if quote is not None else required_decimal(params, "quantity"),
        price=required_decimal(params, "price") if priced else ZERO,
        trigger_price=required_decimal(params, "stopPrice") if order_type in STOP_TYPES else ZERO,
        quote_quantity=quote or ZERO,
    )


def perp_intent(market: Market, params: Params, algo: bool) -> Intent:
    """Reads the parameters of `POST /fapi/v1/order` or, with `algo`, of `POST /fapi/v1/algoOrder`."""
    known = tuple(name for name in PERP_TYPES if name in STOP_TYPES) if algo else PERP_TYPES
    order_type = _choice(params, "type", known, -1116, "Invalid orderType.")
    close_position = flag(params, "closePosition")
    if close_position and (params.get("quantity") or flag(params, "reduceOnly")):
        raise VenueError(-4136, "Target strategy invalid: closePosition with quantity or reduceOnly.")
    trigger_name = "triggerPrice" if algo else "stopPrice"
    return Intent(
        market=market,
        client_order_id=client_id(params, "clientAlgoId" if algo else "newClientOrderId"),
        side=_side(params),
        order_type=order_type,
        time_in_force=_time_in_force(params, ("GTC", "IOC", "FOK", "GTX"), order_type == "LIMIT"),
        quantity=ZERO if close_position else required_decimal(params, "quantity"),
        price=required_decimal(params, "price") if order_type in PERP_PRICED else ZERO,
        trigger_price=required_decimal(params, trigger_name) if order_type in STOP_TYPES else ZERO,
        quote_quantity=ZERO,
        reduce_only=flag(params, "reduceOnly"),
        close_position=close_position,
        position_side=_position_side(params),
        is_algo=algo,
    )


def _position_side(params: Params) -> str:
    value = params.get("positionSide") or "BOTH"
    if value not in ("BOTH", "LONG", "SHORT"):
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    return value
