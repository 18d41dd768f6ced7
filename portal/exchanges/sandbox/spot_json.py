"""Spot orders, trades and markets in the shape Binance answers them."""

from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.numbers import text8
from portal.exchanges.sandbox.orders import SPOT_TYPES, Fill, Order

Json = dict[str, object]


def _head(order: Order) -> Json:
    return {
        "symbol": order.market.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_order_id,
    }


def _body(order: Order) -> Json:
    body: Json = {
        "price": text8(order.price),
        "origQty": text8(order.quantity),
        "executedQty": text8(order.executed),
        "origQuoteOrderQty": text8(order.quote_quantity),
        "cummulativeQuoteQty": text8(order.executed_quote),
        "status": order.status,
        "timeInForce": order.time_in_force,
        "type": order.order_type,
        "side": order.side,
        "workingTime": order.created_ms if order.working else -1,
        "selfTradePreventionMode": "NONE",
    }
    if order.trigger_price:
        body["stopPrice"] = text8(order.trigger_price)
    return body


def new_order(order: Order, response_type: str) -> Json:
    """The answer to a new order: ACK, RESULT or FULL."""
    answer = _head(order) | {"transactTime": order.updated_ms}
    if response_type == "ACK":
        return answer
    answer |= _body(order)
    if response_type == "FULL":
        answer["fills"] = [
            {
                "price": text8(fill.price),
                "qty": text8(fill.quantity),
                "commission": text8(fill.fee),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.trade_id,
            }
            for fill in order.fills
        ]
    return answer


def order_json(order: Order) -> Json:
    """An order as queries show it."""
    return (
        _head(order)
        | _body(order)
        | {
            "stopPrice": text8(order.trigger_price),
            "icebergQty": "0.00000000",
            "time": order.created_ms,
            "updateTime": order.updated_ms,
            "isWorking": order.working,
        }
    )


def canceled(order: Order, own_id: str) -> Json:
    answer = _head(order) | _body(order) | {"transactTime": order.updated_ms}
    return answer | {"origClientOrderId": order.client_order_id, "clientOrderId": own_id}


def trade_json(fill: Fill) -> Json:
    return {
        "symbol": fill.market.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": text8(fill.price),
        "qty": text8(fill.quantity),
        "quoteQty": text8(fill.price * fill.quantity),
        "commission": text8(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at_ms,
        "isBuyer": fill.side == "BUY",
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def market_json(market: Market) -> Json:
    """One entry of `GET /api/v3/exchangeInfo`."""
    return {
        "symbol": market.symbol,
        "status": "TRADING" if market.active else "BREAK",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": SPOT_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "filters": _filters(market),
    }


def _filters(market: Market) -> list[Json]:
    up, down = format(market.band_up, "f"), format(market.band_down, "f")
    tick = text8(market.tick_size)
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000.00000000", "tickSize": tick},
        {
            "filterType": "LOT_SIZE",
            "minQty": text8(market.min_quantity),
            "maxQty": text8(market.max_quantity),
            "stepSize": text8(market.lot_size),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00000000",
            "maxQty": text8(market.market_max_quantity),
            "stepSize": "0.00000000",
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": up,
            "bidMultiplierDown": down,
            "askMultiplierUp": up,
            "askMultiplierDown": down,
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": text8(market.min_notional),
            "applyMinToMarket": True,
            "maxNotional": "999999999.00000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]
