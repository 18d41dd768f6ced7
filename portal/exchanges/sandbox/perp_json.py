"""Futures orders, algo orders, trades and markets in the shape Binance answers them."""

from portal.exchanges.sandbox.markets import Market, places
from portal.exchanges.sandbox.numbers import text8
from portal.exchanges.sandbox.orders import PERP_TYPES, WORKING_TYPES, Fill, Order

Json = dict[str, object]


def order_json(order: Order) -> Json:
    """An order, the same for new orders, queries and cancels. A triggered stop shows the type it works as."""
    shown = WORKING_TYPES.get(order.order_type, order.order_type) if order.working else order.order_type
    return {
        "orderId": order.order_id,
        "symbol": order.market.symbol,
        "status": order.status,
        "clientOrderId": order.client_order_id,
        "price": plain(order.price),
        "avgPrice": plain(order.average_price),
        "origQty": plain(order.quantity),
        "executedQty": plain(order.executed),
        "cumQty": plain(order.executed),
        "cumQuote": plain(order.executed_quote),
        "timeInForce": order.time_in_force,
        "type": shown,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": order.position_side,
        "stopPrice": plain(order.trigger_price),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": order.order_type,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "NONE",
        "goodTillDate": 0,
        "time": order.created_ms,
        "updateTime": order.updated_ms,
    }


def algo_json(order: Order, actual: Order | None) -> Json:
    """A conditional order. `actual` is the order it has placed, if it has triggered."""
    return {
        "algoId": order.order_id,
        "clientAlgoId": order.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": order.order_type,
        "symbol": order.market.symbol,
        "side": order.side,
        "positionSide": order.position_side,
        "timeInForce": order.time_in_force,
        "quantity": plain(order.quantity),
        "algoStatus": order.status,
        "actualOrderId": str(order.actual_order_id or ""),
        "actualPrice": plain(actual.average_price) if actual else "0.00000000",
        "triggerPrice": plain(order.trigger_price),
        "price": plain(order.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": "NONE",
        "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": order.close_position,
        "priceProtect": False,
        "reduceOnly": order.reduce_only,
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": actual.created_ms if actual else 0,
        "goodTillDate": 0,
    }


def trade_json(fill: Fill) -> Json:
    return {
        "symbol": fill.market.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side,
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "realizedPnl": plain(fill.realized_pnl),
        "marginAsset": fill.market.quote,
        "quoteQty": plain(fill.price * fill.quantity),
        "baseQty": "0",
        "commission": plain(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at_ms,
        "positionSide": fill.position_side,
        "buyer": fill.side == "BUY",
        "maker": fill.maker,
    }


def market_json(market: Market) -> Json:
    """One entry of `GET /fapi/v1/exchangeInfo`."""
    return {
        "symbol": market.symbol,
        "pair": market.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING" if market.active else "SETTLING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": market.base,
        "quoteAsset": market.quote,
        "marginAsset": market.quote,
        "pricePrecision": places(market.tick_size),
        "quantityPrecision": places(market.lot_size),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "triggerProtect": "0.0500",
        "liquidationFee": "0.015000",
        "marketTakeBound": "0.05",
        "orderTypes": PERP_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": _filters(market),
    }


def _filters(market: Market) -> list[Json]:
    tick, step = format(market.tick_size, "f"), format(market.lot_size, "f")
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000", "tickSize": tick},
        {
            "filterType": "LOT_SIZE",
            "minQty": step,
            "maxQty": format(market.max_quantity, "f"),
            "stepSize": step,
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": step,
            "maxQty": format(market.market_max_quantity, "f"),
            "stepSize": step,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": format(market.min_notional, "f")},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": format(market.band_up, "f"),
            "multiplierDown": format(market.band_down, "f"),
            "multiplierDecimal": "4",
        },
    ]


plain = text8
