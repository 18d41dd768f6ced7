"""Reads the journal back at start and begins a new one with a snapshot."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.journal import Record
from portal.exchanges.sandbox.liquidation import watch_position
from portal.exchanges.sandbox.orders import Order
from portal.exchanges.sandbox.placement import resume
from portal.exchanges.sandbox.records import (
    account_record,
    fill_from,
    fill_record,
    load_account,
    order_from,
    order_record,
)


def recover(exchange: Exchange) -> None:
    """Fills an empty exchange from the journal, lets open orders wait again, begins a new journal."""
    if exchange.journal is None:
        return
    orders: dict[int, Order] = {}
    fills: dict[int, dict[str, Any]] = {}
    for record in exchange.journal.read():
        _apply(exchange, record, orders, fills)
    _attach(exchange, orders, fills)
    for account in exchange.accounts.by_id.values():
        for order in list(account.open_orders.values()):
            resume(exchange, account, order)
        for position in list(account.futures.positions.values()):
            watch_position(exchange, account, position.symbol, position.position_side)
    begin_journal(exchange)


def _apply(
    exchange: Exchange, record: dict[str, Any], orders: dict[int, Order], fills: dict[int, Any]
) -> None:
    """The newest record of an order or account wins; fills never change."""
    for symbol, price in record.get("prices", {}).items():
        quote = exchange.prices.quotes.get(symbol)
        if quote is not None:
            quote.last = quote.opened = quote.high = quote.low = Decimal(price)
    saved = record.get("account")
    if saved is not None:
        known = exchange.accounts.by_id.get(saved["account_id"])
        account = load_account(saved, known)
        if known is None:
            exchange.accounts.add(account)
    for order in record.get("orders", ()):
        orders[order["order_id"]] = order_from(order, exchange.markets)
    for fill in record.get("fills", ()):
        fills[fill["trade_id"]] = fill


def _attach(exchange: Exchange, orders: dict[int, Order], fills: dict[int, dict[str, Any]]) -> None:
    for number in sorted(orders):
        order = orders[number]
        exchange.accounts.by_id[order.account_id].index(order)
        exchange.ledger.add(order)
        exchange.ledger.seen_id(number)
    for number in sorted(fills):
        fill = fill_from(fills[number], exchange.markets)
        account: Account = exchange.accounts.by_id[fills[number]["account_id"]]
        account.fills.append(fill)
        exchange.ledger.fills.append(fill)
        exchange.ledger.seen_id(number)
        orders[fill.order_id].fills.append(fill)


def begin_journal(exchange: Exchange) -> None:
    """Replaces the journal by a snapshot of what is in memory."""
    if exchange.journal is not None:
        exchange.journal.pause()
        exchange.journal.start(_snapshot(exchange))


def _snapshot(exchange: Exchange) -> Iterator[Record]:
    yield {"prices": {symbol: format(quote.last, "f") for symbol, quote in exchange.prices.quotes.items()}}
    for account in exchange.accounts.by_id.values():
        yield {
            "account": account_record(account),
            "orders": [order_record(order) for order in account.orders],
            "fills": [fill_record(fill, account.account_id) for fill in account.fills],
        }
