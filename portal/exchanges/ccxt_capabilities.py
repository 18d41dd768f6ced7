"""What may be promised for a venue: the table's word first, then what ccxt's description of it admits."""

from typing import Any

from portal.exchanges.base import Capabilities
from portal.exchanges.ccxt_params import market_buy_of
from portal.exchanges.venues import MarketBuy, QueryRoute, Venue, WindowStyle
from portal.trading.types import MarketType, OrderType, TimeInForce

_BY_OUR_ID = frozenset(
    {
        QueryRoute.ORDER_BY_CLIENT_ID,
        QueryRoute.PENDING_BY_CLIENT_ID,
        QueryRoute.ORDER_BY_EXTERNAL_OID,
        QueryRoute.ORDER_BY_LABEL,
    }
)


def capabilities_of(venue: Venue, client: Any) -> Capabilities:
    """The promises for `venue`; `client` is any ccxt client of it."""
    kinds = venue.market_types or frozenset(kind for kind in MarketType if client.has.get(kind.value))
    described = [create for kind in kinds if (create := _described(client, kind))]
    how = market_buy_of(venue, client)
    has_swap = MarketType.SWAP in kinds
    return Capabilities(
        market_types=kinds,
        order_types=_order_types(client, described),
        time_in_force=frozenset(
            tif
            for tif in TimeInForce
            if tif is TimeInForce.STANDARD
            or (described and all((create.get("timeInForce") or {}).get(tif.value) for create in described))
        ),
        identity=venue.identity,
        query_by_client_order_id=bool(venue.list_field) or bool(_BY_OUR_ID & set(venue.routes)),
        request_window=venue.window is not WindowStyle.NONE,
        reduce_only=has_swap,
        hedge_mode=venue.hedge_mode and has_swap,
        native_stop=any(create.get("triggerPrice") for create in described),
        guards=frozenset(kind for kind in kinds & venue.guards if _admits(client, kind, "triggerPrice")),
        resting_targets=frozenset(
            kind for kind in kinds & venue.guards if _admits(client, kind, "takeProfitPrice")
        ),
        stop_needs_price=venue.stop_needs_price,
        market_buy_needs_price=how is not MarketBuy.BY_QUANTITY,
        market_needs_price=how is MarketBuy.ALWAYS_NEEDS_PRICE,
    )


def _described(client: Any, kind: MarketType) -> dict[str, Any] | None:
    features = (client.features or {}).get(kind.value) or {}
    if kind is MarketType.SWAP:
        features = features.get("linear") or features.get("inverse") or features
    return features.get("createOrder") or None


def _admits(client: Any, kind: MarketType, parameter: str) -> bool:
    return bool((_described(client, kind) or {}).get(parameter))


def _order_types(client: Any, described: list[dict[str, Any]]) -> frozenset[OrderType]:
    types = {OrderType.LIMIT}
    if client.has.get("createMarketOrder") is not False:
        types.add(OrderType.MARKET)
    if any(create.get("triggerPrice") for create in described):
        types.add(OrderType.STOP)
    return frozenset(types)
