"""Matches one order against the synthetic book and books the fills. When to match is decided elsewhere."""

from decimal import Decimal

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.book import Level, asks, bids, plan, plan_quote
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.funds import closable_quantity, release
from portal.exchanges.sandbox.liquidation import watch_position
from portal.exchanges.sandbox.numbers import ZERO, floor_to
from portal.exchanges.sandbox.orders import Fill, Order
from portal.exchanges.sandbox.settlement import settle

IMMEDIATE = frozenset({"IOC", "FOK"})


def plan_order(exchange: Exchange, order: Order) -> list[Level]:
    """(price, quantity) the order would take from the book now."""
    market = order.market
    mid = exchange.price(market)
    shape = exchange.shape(market)
    levels = asks(market, mid, shape) if order.is_buy else bids(market, mid, shape)
    if order.quote_quantity:
        return plan_quote(levels, order.quote_quantity, market.lot_size)
    taken = plan(levels, order.remaining, order.price if order.is_priced else None, order.is_buy)
    if order.time_in_force == "FOK" and planned_quantity(taken) < order.remaining:
        return []
    return taken


def planned_quantity(taken: list[Level]) -> Decimal:
    return sum((quantity for _, quantity in taken), ZERO)


def cut_plan(taken: list[Level], fraction: Decimal, lot_size: Decimal) -> list[Level]:
    """Only `fraction` of a plan, for a scripted partial fill."""
    left = floor_to(planned_quantity(taken) * fraction, lot_size)
    parts: list[Level] = []
    for price, quantity in taken:
        part = min(left, quantity)
        if part > ZERO:
            parts.append((price, part))
        left -= part
    return parts


def take(exchange: Exchange, account: Account, order: Order, taken: list[Level]) -> None:
    """Fills a working order as taker; what is left rests, or expires when it may not rest."""
    for price, quantity in taken:
        fill(exchange, account, order, price, quantity, maker=False)
    if not order.is_open:
        return
    if order.time_in_force in IMMEDIATE or not order.is_priced:
        close(exchange, account, order, "EXPIRED")
    else:
        rest(exchange, order)


def fill(
    exchange: Exchange, account: Account, order: Order, price: Decimal, quantity: Decimal, maker: bool
) -> None:
    """Books one trade. Does not save: the caller does, once per event."""
    now = exchange.clock.now_ms()
    fee_price = exchange.prices.last(account.fee_asset + order.market.quote) if account.fee_asset else ZERO
    fee, fee_asset, profit = settle(account, order, price, quantity, maker, fee_price)
    trade = Fill(
        exchange.ledger.next_id(),
        order.order_id,
        order.market,
        order.side,
        order.position_side,
        price,
        quantity,
        fee,
        fee_asset,
        maker,
        profit,
        now,
    )
    order.fills.append(trade)
    account.fills.append(trade)
    exchange.ledger.fills.append(trade)
    order.executed += quantity
    order.executed_quote += price * quantity
    order.updated_ms = now
    if order.market.is_perp:
        account.futures.position(order.market.symbol, order.position_side).updated_ms = now
        watch_position(exchange, account, order.market.symbol, order.position_side)
    order.status = "PARTIALLY_FILLED"
    if order.remaining <= ZERO:
        close(exchange, account, order, "FILLED")


def fill_resting(exchange: Exchange, account: Account, order: Order) -> None:
    """The price has reached a resting limit: it is filled at its own price, as far as the book is deep."""
    if order.reduce_only and order.market.is_perp:
        closable = closable_quantity(account.futures, order)
        if closable == ZERO:
            close(exchange, account, order, "EXPIRED")
            return
        order.quantity = min(order.quantity, order.executed + closable)
    quantity = planned_quantity(plan_order(exchange, order))
    if quantity:
        fill(exchange, account, order, order.price, quantity, maker=True)
    if order.is_open:
        rest(exchange, order)


def rest(exchange: Exchange, order: Order) -> None:
    waiting = exchange.waiting[order.market.key]
    (waiting.limit_buys if order.is_buy else waiting.limit_sells).add(order.price, order)


def close(exchange: Exchange, account: Account, order: Order, status: str) -> None:
    """Ends an order and gives back what is still reserved for it."""
    order.status = status
    order.updated_ms = exchange.clock.now_ms()
    release(account, order)
    account.open_orders.pop((order.is_algo, order.order_id), None)
