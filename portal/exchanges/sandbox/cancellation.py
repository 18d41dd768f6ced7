"""Finding and cancelling orders for the client that placed them."""

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.errors import VenueError, missing, no_such_order, unknown_order
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.matching import close
from portal.exchanges.sandbox.numbers import Params, optional_int
from portal.exchanges.sandbox.orders import Order


def find(
    exchange: Exchange, account: Account, market: Market | None, params: Params, algo: bool = False
) -> Order:
    """The visible order named by exchange id or client id. Raises -2013 when there is none."""
    order = _lookup(account, market, params, algo)
    hidden = order is None or order.order_id in exchange.forgotten
    if order is None or hidden or order.visible_at_ms > exchange.clock.now_ms():
        raise no_such_order()
    return order


def _lookup(account: Account, market: Market | None, params: Params, algo: bool) -> Order | None:
    number = optional_int(params, "algoId" if algo else "orderId")
    if number is not None:
        order = account.by_order_id.get((algo, number))
        return order if order is not None and market in (None, order.market) else None
    name = "clientAlgoId" if algo else "origClientOrderId"
    client_order_id = params.get(name)
    if not client_order_id:
        raise missing("algoId" if algo else "orderId")
    if market is not None:
        return account.by_client_id.get((market.key, algo, client_order_id))
    for (_, is_algo, known_id), order in reversed(account.by_client_id.items()):
        if is_algo == algo and known_id == client_order_id:
            return order
    return None


def cancel(
    exchange: Exchange, account: Account, market: Market | None, params: Params, algo: bool = False
) -> Order:
    """Cancels an open order. Raises -2011 when it is unknown or no longer open."""
    try:
        order = find(exchange, account, market, params, algo)
    except VenueError as error:
        if error.code != -2013:
            raise
        raise unknown_order() from None
    if not order.is_open:
        raise unknown_order()
    close(exchange, account, order, "CANCELED")
    exchange.save(account, [order])
    return order


def cancel_all(exchange: Exchange, account: Account, market: Market, algo: bool = False) -> list[Order]:
    """Cancels every open order of one market and returns them."""
    orders = [o for o in account.open_orders.values() if o.market is market and o.is_algo == algo]
    for order in orders:
        close(exchange, account, order, "CANCELED")
    exchange.save(account, orders)
    return orders
