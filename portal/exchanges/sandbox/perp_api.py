"""Signed futures endpoints for orders, `/fapi/v1`: plain orders, conditional (algo) orders, trades."""

from portal.exchanges.sandbox import perp_json
from portal.exchanges.sandbox.call import Call, Route, Routes
from portal.exchanges.sandbox.cancellation import cancel, cancel_all, find
from portal.exchanges.sandbox.errors import VenueError, missing
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.intents import perp_intent
from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.orders import Order
from portal.exchanges.sandbox.placement import place
from portal.exchanges.sandbox.selection import all_orders, open_orders, trades

DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}


def _market(exchange: Exchange, call: Call) -> Market:
    symbol = call.params.get("symbol")
    if not symbol:
        raise missing("symbol")
    return exchange.market("perp", symbol)


def _optional_market(exchange: Exchange, call: Call) -> Market | None:
    return _market(exchange, call) if call.params.get("symbol") else None


def post_order(exchange: Exchange, call: Call) -> object:
    intent = perp_intent(_market(exchange, call), call.params, algo=False)
    return perp_json.order_json(place(exchange, call.user, intent, call.treatment))


def get_order(exchange: Exchange, call: Call) -> object:
    return perp_json.order_json(find(exchange, call.user, _market(exchange, call), call.params))


def get_open_order(exchange: Exchange, call: Call) -> object:
    order = find(exchange, call.user, _market(exchange, call), call.params)
    if not order.is_open:
        raise VenueError(-2013, "Order does not exist.")
    return perp_json.order_json(order)


def delete_order(exchange: Exchange, call: Call) -> object:
    return perp_json.order_json(cancel(exchange, call.user, _market(exchange, call), call.params))


def get_open_orders(exchange: Exchange, call: Call) -> object:
    orders = open_orders(exchange, call.user, "perp", _optional_market(exchange, call), algo=False)
    return [perp_json.order_json(order) for order in orders]


def delete_open_orders(exchange: Exchange, call: Call) -> object:
    cancel_all(exchange, call.user, _market(exchange, call))
    return DONE


def get_all_orders(exchange: Exchange, call: Call) -> object:
    market = _optional_market(exchange, call)
    orders = all_orders(exchange, call.user, "perp", market, call.params, algo=False)
    return [perp_json.order_json(order) for order in orders]


def get_user_trades(exchange: Exchange, call: Call) -> object:
    fills = trades(exchange, call.user, _market(exchange, call), call.params)
    return [perp_json.trade_json(fill) for fill in fills]


def _algo_json(call: Call, order: Order) -> perp_json.Json:
    return perp_json.algo_json(order, call.user.by_order_id.get((False, order.actual_order_id)))


def post_algo(exchange: Exchange, call: Call) -> object:
    if call.params.get("algoType") != "CONDITIONAL":
        raise missing("algoType")
    intent = perp_intent(_market(exchange, call), call.params, algo=True)
    return _algo_json(call, place(exchange, call.user, intent, call.treatment))


def get_algo(exchange: Exchange, call: Call) -> object:
    market = _optional_market(exchange, call)
    return _algo_json(call, find(exchange, call.user, market, call.params, algo=True))


def delete_algo(exchange: Exchange, call: Call) -> object:
    order = cancel(exchange, call.user, _optional_market(exchange, call), call.params, algo=True)
    return {"algoId": order.order_id, "clientAlgoId": order.client_order_id, "code": "200", "msg": "success"}


def get_open_algos(exchange: Exchange, call: Call) -> object:
    orders = open_orders(exchange, call.user, "perp", _optional_market(exchange, call), algo=True)
    return [_algo_json(call, order) for order in orders]


def delete_open_algos(exchange: Exchange, call: Call) -> object:
    cancel_all(exchange, call.user, _market(exchange, call), algo=True)
    return DONE


def get_all_algos(exchange: Exchange, call: Call) -> object:
    orders = all_orders(exchange, call.user, "perp", _optional_market(exchange, call), call.params, algo=True)
    return [_algo_json(call, order) for order in orders]


ROUTES: Routes = {
    ("POST", "/fapi/v1/order"): Route(post_order, "order"),
    ("GET", "/fapi/v1/order"): Route(get_order, "query"),
    ("GET", "/fapi/v1/openOrder"): Route(get_open_order, "query"),
    ("DELETE", "/fapi/v1/order"): Route(delete_order, "cancel"),
    ("GET", "/fapi/v1/openOrders"): Route(get_open_orders, "openOrders"),
    ("DELETE", "/fapi/v1/allOpenOrders"): Route(delete_open_orders, "cancel"),
    ("GET", "/fapi/v1/allOrders"): Route(get_all_orders, "allOrders"),
    ("GET", "/fapi/v1/userTrades"): Route(get_user_trades, "myTrades"),
    ("POST", "/fapi/v1/algoOrder"): Route(post_algo, "order"),
    ("GET", "/fapi/v1/algoOrder"): Route(get_algo, "query"),
    ("DELETE", "/fapi/v1/algoOrder"): Route(delete_algo, "cancel"),
    ("GET", "/fapi/v1/openAlgoOrders"): Route(get_open_algos, "openOrders"),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Route(delete_open_algos, "cancel"),
    ("GET", "/fapi/v1/allAlgoOrders"): Route(get_all_algos, "allOrders"),
}
