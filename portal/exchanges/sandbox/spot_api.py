"""Signed spot endpoints, `/api/v3`: orders, trades and the account."""

from portal.exchanges.sandbox import spot_json
from portal.exchanges.sandbox.call import Call, Route, Routes
from portal.exchanges.sandbox.cancellation import cancel, cancel_all, find
from portal.exchanges.sandbox.errors import VenueError, unknown_order
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.identity import generated_id
from portal.exchanges.sandbox.intents import client_id, spot_intent
from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.numbers import text8
from portal.exchanges.sandbox.placement import place
from portal.exchanges.sandbox.selection import all_orders, open_orders, trades


def _market(exchange: Exchange, call: Call) -> Market:
    return exchange.market("spot", call.params.get("symbol"))


def _optional_market(exchange: Exchange, call: Call) -> Market | None:
    return _market(exchange, call) if call.params.get("symbol") else None


def post_order(exchange: Exchange, call: Call) -> object:
    intent = spot_intent(_market(exchange, call), call.params)
    default = "FULL" if intent.order_type in ("MARKET", "LIMIT") else "ACK"
    response_type = call.params.get("newOrderRespType", default)
    if response_type not in ("ACK", "RESULT", "FULL"):
        raise VenueError(-1125, "Invalid newOrderRespType.")
    return spot_json.new_order(place(exchange, call.user, intent, call.treatment), response_type)


def test_order(exchange: Exchange, call: Call) -> object:
    spot_intent(_market(exchange, call), call.params)
    return {}


def get_order(exchange: Exchange, call: Call) -> object:
    return spot_json.order_json(find(exchange, call.user, _market(exchange, call), call.params))


def delete_order(exchange: Exchange, call: Call) -> object:
    own_id = client_id(call.params, "newClientOrderId") or generated_id()
    return spot_json.canceled(cancel(exchange, call.user, _market(exchange, call), call.params), own_id)


def get_open_orders(exchange: Exchange, call: Call) -> object:
    orders = open_orders(exchange, call.user, "spot", _optional_market(exchange, call), algo=False)
    return [spot_json.order_json(order) for order in orders]


def delete_open_orders(exchange: Exchange, call: Call) -> object:
    orders = cancel_all(exchange, call.user, _market(exchange, call))
    if not orders:
        raise unknown_order()
    return [spot_json.canceled(order, generated_id()) for order in orders]


def get_all_orders(exchange: Exchange, call: Call) -> object:
    orders = all_orders(exchange, call.user, "spot", _market(exchange, call), call.params, algo=False)
    return [spot_json.order_json(order) for order in orders]


def get_my_trades(exchange: Exchange, call: Call) -> object:
    fills = trades(exchange, call.user, _market(exchange, call), call.params)
    return [spot_json.trade_json(fill) for fill in fills]


def get_account(exchange: Exchange, call: Call) -> object:
    account = call.user
    rate = {"maker": "0.00100000", "taker": "0.00100000", "buyer": "0.00000000", "seller": "0.00000000"}
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rate,
        "canTrade": account.can_trade,
        "canWithdraw": account.can_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": exchange.clock.now_ms(),
        "accountType": "SPOT",
        "permissions": ["SPOT"],
        "balances": [
            {"asset": asset, "free": text8(held.free), "locked": text8(held.locked)}
            for asset, held in account.balances.items()
        ],
    }


ROUTES: Routes = {
    ("POST", "/api/v3/order"): Route(post_order, "order"),
    ("POST", "/api/v3/order/test"): Route(test_order, "settings"),
    ("GET", "/api/v3/order"): Route(get_order, "query"),
    ("DELETE", "/api/v3/order"): Route(delete_order, "cancel"),
    ("GET", "/api/v3/openOrders"): Route(get_open_orders, "openOrders"),
    ("DELETE", "/api/v3/openOrders"): Route(delete_open_orders, "cancel"),
    ("GET", "/api/v3/allOrders"): Route(get_all_orders, "allOrders"),
    ("GET", "/api/v3/myTrades"): Route(get_my_trades, "myTrades"),
    ("GET", "/api/v3/account"): Route(get_account, "account"),
}
