"""What a price change sets off: stops trigger, resting limits are filled, positions are liquidated."""

from decimal import Decimal

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.book import best_ask, best_bid
from portal.exchanges.sandbox.errors import VenueError
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.funds import closable_quantity, release
from portal.exchanges.sandbox.intents import Intent
from portal.exchanges.sandbox.liquidation import PositionWatch, must_liquidate, watch_position
from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.matching import close, fill, fill_resting, plan_order, take
from portal.exchanges.sandbox.numbers import ZERO
from portal.exchanges.sandbox.orders import WORKING_TYPES, Order
from portal.exchanges.sandbox.perp_rules import check_position_rules
from portal.exchanges.sandbox.placement import new_order, reserve


def on_price(exchange: Exchange, symbol: str, price: Decimal) -> None:
    """Evaluates everything in both markets of a symbol that the new price reaches."""
    for kind in ("spot", "perp"):
        market = exchange.markets.get(f"{kind}:{symbol}")
        if market is not None:
            _wake(exchange, market, price)


def _wake(exchange: Exchange, market: Market, price: Decimal) -> None:
    waiting = exchange.waiting[market.key]
    for thing in (*waiting.triggers_up.reached(price), *waiting.triggers_down.reached(price)):
        if isinstance(thing, PositionWatch):
            _check_watch(exchange, thing)
        elif isinstance(thing, Order) and thing.is_open and not thing.working:
            trigger(exchange, exchange.accounts.by_id[thing.account_id], thing)
    shape = exchange.shape(market)
    buys = waiting.limit_buys.reached(best_ask(market, price, shape))
    sells = waiting.limit_sells.reached(best_bid(market, price, shape))
    for order in (*buys, *sells):
        if isinstance(order, Order) and order.is_open:
            account = exchange.accounts.by_id[order.account_id]
            before = len(order.fills)
            fill_resting(exchange, account, order)
            exchange.save(account, [order], order.fills[before:])


def trigger(exchange: Exchange, account: Account, order: Order) -> None:
    """A stop has been reached: it starts to work, or ends when it cannot."""
    if order.is_algo:
        _trigger_algo(exchange, account, order)
        return
    order.working = True
    try:
        _start(exchange, account, order)
    except VenueError:
        close(exchange, account, order, "EXPIRED")
    exchange.save(account, [order], order.fills)


def _start(exchange: Exchange, account: Account, order: Order) -> None:
    if order.market.is_perp:
        _fit_to_position(account, order)
    taken = plan_order(exchange, order)
    if not order.is_priced:
        release(account, order)
        reserve(exchange, account, order, taken)
    take(exchange, account, order, taken)


def _fit_to_position(account: Account, order: Order) -> None:
    """Reduce-only and close-position orders take the size of the position; without one they are refused."""
    if order.close_position:
        order.quantity = closable_quantity(account.futures, order)
        if order.quantity == ZERO:
            raise VenueError(-2022, "ReduceOnly Order is rejected.")
    elif order.reduce_only and order.executed == ZERO:
        closable = closable_quantity(account.futures, order)
        if closable == ZERO:
            raise VenueError(-2022, "ReduceOnly Order is rejected.")
        order.quantity = min(order.quantity, closable)


def _trigger_algo(exchange: Exchange, account: Account, algo: Order) -> None:
    """The order behind a conditional order is a new one, with its own id; the algo order points to it."""
    intent = Intent(
        market=algo.market,
        client_order_id="",
        side=algo.side,
        order_type=WORKING_TYPES[algo.order_type],
        time_in_force=algo.time_in_force,
        quantity=algo.quantity,
        price=algo.price,
        trigger_price=ZERO,
        quote_quantity=ZERO,
        reduce_only=algo.reduce_only,
        close_position=algo.close_position,
        position_side=algo.position_side,
    )
    child = new_order(exchange, account, intent, origin="trigger")
    try:
        _fit_to_position(account, child)
        if not child.close_position:
            check_position_rules(account, child)
        taken = plan_order(exchange, child)
        reserve(exchange, account, child, taken)
    except VenueError:
        close(exchange, account, algo, "REJECTED")
        exchange.save(account, [algo])
        return
    algo.actual_order_id = child.order_id
    account.index(child)
    exchange.ledger.add(child)
    take(exchange, account, child, taken)
    close(exchange, account, algo, "TRIGGERED" if child.is_open else "FINISHED")
    exchange.save(account, [algo, child], child.fills)


def _check_watch(exchange: Exchange, watch: PositionWatch) -> None:
    if must_liquidate(exchange, watch):
        liquidate(exchange, watch)
    elif watch.position.quantity:
        watch_position(exchange, watch.account, watch.symbol, watch.position_side)


def liquidate(exchange: Exchange, watch: PositionWatch) -> None:
    """Closes the position at the current price; the wallet does not go below zero."""
    account, position = watch.account, watch.position
    market = exchange.market("perp", watch.symbol)
    now = exchange.clock.now_ms()
    intent = Intent(
        market=market,
        client_order_id=f"autoclose-{now}",
        side="SELL" if position.quantity > ZERO else "BUY",
        order_type="MARKET",
        time_in_force="IOC",
        quantity=abs(position.quantity),
        price=ZERO,
        trigger_price=ZERO,
        quote_quantity=ZERO,
        reduce_only=watch.position_side == "BOTH",
        position_side=watch.position_side,
    )
    order = new_order(exchange, account, intent, origin="liquidation")
    account.index(order)
    exchange.ledger.add(order)
    fill(exchange, account, order, exchange.price(market), order.quantity, maker=False)
    account.futures.balance = max(ZERO, account.futures.balance)
    exchange.save(account, [order], order.fills)
