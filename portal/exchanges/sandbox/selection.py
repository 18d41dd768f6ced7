"""Which of an account's orders and trades a list query shows, with Binance's paging parameters."""

from collections.abc import Iterable

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.markets import Kind, Market
from portal.exchanges.sandbox.numbers import Params, optional_int
from portal.exchanges.sandbox.orders import Fill, Order

DEFAULT_LIMIT = 500
MAX_LIMIT = 1000


def open_orders(
    exchange: Exchange, account: Account, kind: Kind, market: Market | None, algo: bool
) -> list[Order]:
    return _shown(exchange, account.open_orders.values(), kind, market, algo)


def all_orders(
    exchange: Exchange, account: Account, kind: Kind, market: Market | None, params: Params, algo: bool
) -> list[Order]:
    """Orders of every status, oldest first. Without a start, the latest ones."""
    first = optional_int(params, "algoId" if algo else "orderId")
    start, end = optional_int(params, "startTime"), optional_int(params, "endTime")
    orders = [
        order
        for order in _shown(exchange, account.orders, kind, market, algo)
        if (first is None or order.order_id >= first)
        and (start is None or order.created_ms >= start)
        and (end is None or order.created_ms <= end)
    ]
    limit = _limit(params)
    return orders[-limit:] if first is None and start is None else orders[:limit]


def trades(exchange: Exchange, account: Account, market: Market, params: Params) -> list[Fill]:
    """Trades of one market, oldest first. Without a start, the latest ones."""
    now = exchange.clock.now_ms()
    first, order_id = optional_int(params, "fromId"), optional_int(params, "orderId")
    start, end = optional_int(params, "startTime"), optional_int(params, "endTime")
    fills = [
        fill
        for fill in account.fills
        if fill.market is market
        and (first is None or fill.trade_id >= first)
        and (order_id is None or fill.order_id == order_id)
        and (start is None or fill.at_ms >= start)
        and (end is None or fill.at_ms <= end)
        and account.by_order_id[False, fill.order_id].visible_at_ms <= now
    ]
    limit = _limit(params)
    return fills[-limit:] if first is None and start is None else fills[:limit]


def _shown(
    exchange: Exchange, orders: Iterable[Order], kind: Kind, market: Market | None, algo: bool
) -> list[Order]:
    """What a query about these markets may know of: a fault can hide an order for a while, or for ever."""
    now = exchange.clock.now_ms()
    return [
        order
        for order in orders
        if order.market.kind == kind
        and order.is_algo == algo
        and (market is None or order.market is market)
        and order.visible_at_ms <= now
        and order.order_id not in exchange.forgotten
    ]


def _limit(params: Params) -> int:
    return max(1, min(MAX_LIMIT, optional_int(params, "limit") or DEFAULT_LIMIT))
