"""Says an order in ccxt's words: type, side, quantity, price and the parameters this venue wants. No
network.
"""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

from portal.exchanges.ccxt_instruments import SIGNIFICANT_DIGITS
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.venues import MarketBuy, Venue, client_order_id_parameter
from portal.trading.instrument import Instrument
from portal.trading.orders import OrderRequest
from portal.trading.types import MarketType, OrderType, PositionMode, Side, TimeInForce


@dataclass(frozen=True, slots=True)
class CcxtOrder:
    """The arguments of ccxt's create_order."""

    symbol: str
    type: str
    side: str
    #: Text: some venues are sent what they are given, and a float is not what was meant.
    quantity: str | Decimal
    price: str | None
    params: dict[str, Any] = field(default_factory=dict)


def to_ccxt_order(request: OrderRequest, instrument: Instrument, venue: Venue, client: Any) -> CcxtOrder:
    """`request` for this venue. Raises ExchangeError UNSUPPORTED rather than say another order than was
    meant.

    A price is never passed with a market order: on a dozen venues ccxt turns the two into a cost to spend.
    """
    params: dict[str, Any] = {
        venue.id_field: client_order_id_parameter(request.client_order_id, venue.id_shape)
    }
    order_type, price, time_in_force = _type_and_price(request, instrument, venue, client)
    if time_in_force is not TimeInForce.STANDARD:
        params["timeInForce"] = time_in_force.value
    if request.order_type is OrderType.STOP:
        params |= _trigger(request, instrument, venue)
    if instrument.market_type is MarketType.SWAP:
        params |= _position_params(request, venue)
    elif request.reduce_only:
        raise unsupported(f"{venue.title} has no reduce-only orders on spot markets")
    return CcxtOrder(
        symbol=request.symbol,
        type=order_type,
        side=request.side.value,
        quantity=request.quantity if venue.quantity_as_number else format(request.quantity, "f"),
        price=None if price is None else _price_text(price, request.side, client),
        params=params,
    )


def unsupported(reason: str) -> ExchangeError:
    """A refusal of ours, before anything is sent."""
    return ExchangeError(
        ErrorCode.UNSUPPORTED,
        f"{reason}. Nothing was placed. Choose another order type or exchange.",
        outcome=Outcome.NOT_PLACED,
    )


def market_buy_of(venue: Venue, client: Any) -> MarketBuy:
    """How this venue sizes a spot market buy: the table's word, else what ccxt's own description admits."""
    if venue.market_buy is not None:
        return venue.market_buy
    described = ((client.features or {}).get("spot") or {}).get("createOrder") or {}
    by_cost = described.get("marketBuyRequiresPrice") or _wants_price(client)
    return MarketBuy.BY_COST if by_cost else MarketBuy.BY_QUANTITY


def needs_price(request: OrderRequest, instrument: Instrument, how: MarketBuy) -> bool:
    """Whether this market order can only be said as an immediate-or-cancel limit order."""
    if request.order_type is not OrderType.MARKET:
        return False
    if how is MarketBuy.ALWAYS_NEEDS_PRICE:
        return True
    return how is MarketBuy.BY_COST and instrument.market_type is MarketType.SPOT and request.side is Side.BUY


def _type_and_price(
    request: OrderRequest, instrument: Instrument, venue: Venue, client: Any
) -> tuple[str, Decimal | None, TimeInForce]:
    if request.order_type is OrderType.MARKET:
        if not needs_price(request, instrument, market_buy_of(venue, client)):
            return "market", None, TimeInForce.STANDARD
        if request.price is None:
            raise unsupported(
                f"{venue.title} sizes market orders like this by what they may cost, not by quantity; a "
                "worst price is needed"
            )
        return "limit", request.price, TimeInForce.IOC
    if request.order_type is OrderType.STOP:
        if request.trigger_price is None:
            raise unsupported("A stop order needs a trigger price")
        kind = "market" if request.price is None else "limit"
        return (
            kind,
            request.price,
            request.time_in_force if request.price is not None else TimeInForce.STANDARD,
        )
    if request.price is None:
        raise unsupported("A limit order needs a price")
    return "limit", request.price, request.time_in_force


def _trigger(request: OrderRequest, instrument: Instrument, venue: Venue) -> dict[str, Any]:
    """A stop triggers against the owner: a buy when the price rises to it, a sell when it falls to it. One
    that takes profit triggers the other way round; ccxt finds the direction of those by itself."""
    trigger_price = format(request.trigger_price or Decimal(0), "f")
    if request.takes_profit:
        return {"takeProfitPrice": trigger_price}
    params: dict[str, Any] = {"triggerPrice": trigger_price}
    if venue.needs_trigger_direction and instrument.market_type is MarketType.SWAP:
        params["triggerDirection"] = "ascending" if request.side is Side.BUY else "descending"
    return params


def _position_params(request: OrderRequest, venue: Venue) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if request.margin_mode is not None and venue.margin_mode_in_order:
        params["marginMode"] = request.margin_mode.value
    if request.leverage is not None and venue.leverage_in_order:
        params["leverage"] = format(request.leverage.normalize(), "f")
    if request.position_mode is PositionMode.ONE_WAY:
        return params | ({"reduceOnly": True} if request.reduce_only else {})
    if not venue.hedge_mode or request.position_side is None:
        raise unsupported(
            f"Portico cannot trade in hedge mode at {venue.title}; switch the account to one-way mode"
        )
    if venue.ccxt_id.startswith(("binance", "bingx")):
        return params | {"positionSide": request.position_side.value.upper()}
    return params | {"hedged": True} | ({"reduceOnly": True} if request.reduce_only else {})


def _price_text(price: Decimal, side: Side, client: Any) -> str:
    """Exact text; to the venue's significant digits where it counts those, never to the owner's
    disadvantage.
    """
    if client.precisionMode == SIGNIFICANT_DIGITS:
        rounding = ROUND_FLOOR if side is Side.BUY else ROUND_CEILING
        price = Context(prec=5 if client.id == "bitfinex" else 4, rounding=rounding).create_decimal(price)
    return format(price, "f")


def _wants_price(client: Any) -> bool:
    """Whether ccxt itself would ask for a price to turn the quantity into a cost."""
    name = "createMarketBuyOrderRequiresPrice"
    inner = client.options.get("createOrder")
    return bool(client.options.get(name) or (isinstance(inner, dict) and inner.get(name)))
