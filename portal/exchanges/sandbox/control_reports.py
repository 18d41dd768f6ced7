"""Control plane: what happened. The ledger of accepted orders, fills, counters. Never a secret."""

from dataclasses import asdict

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.call import Call
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.numbers import optional_int
from portal.exchanges.sandbox.records import fill_record, order_record


def _account_id(control: Control, call: Call) -> str | None:
    reference = call.params.get("account")
    return control.exchange.accounts.find(reference).account_id if reference else None


def _symbol(call: Call) -> str | None:
    symbol = call.params.get("symbol")
    return symbol.replace("/", "").upper() if symbol else None


def get_state(control: Control, call: Call) -> object:
    exchange = control.exchange
    return {
        "ready": True,
        "seed": exchange.seed,
        "markets": len(exchange.markets),
        "accounts": len(exchange.accounts.by_id),
        "orders": sum(exchange.ledger.accepted.values()),
        "identity_class": exchange.identity_class,
        "latency": exchange.latency,
        "clock_offset_ms": exchange.clock.offset_ms,
        "walk_interval": control.motion.interval,
        "durable": exchange.journal is not None,
    }


def account_report(account: Account) -> dict[str, object]:
    return {
        "name": account.account_id,
        "api_key": account.api_key,
        "enabled": account.enabled,
        "can_trade": account.can_trade,
        "can_stop": account.can_stop,
        "can_withdraw": account.can_withdraw,
        "identity_class": account.identity_class,
        "orders": len(account.orders),
        "fills": len(account.fills),
        "open_orders": len(account.open_orders),
        "balances": {
            asset: {"free": format(held.free, "f"), "locked": format(held.locked, "f")}
            for asset, held in account.balances.items()
        },
        "futures_balance": format(account.futures.balance, "f"),
        "positions": [
            {
                "symbol": p.symbol,
                "position_side": p.position_side,
                "quantity": format(p.quantity, "f"),
                "entry_price": format(p.entry_price, "f"),
            }
            for p in account.futures.positions.values()
            if p.quantity
        ],
    }


def get_accounts(control: Control, call: Call) -> object:
    wanted = _account_id(control, call)
    accounts = control.exchange.accounts.by_id.values()
    return [account_report(account) for account in accounts if wanted in (None, account.account_id)]


def get_orders(control: Control, call: Call) -> object:
    """Accepted orders, oldest first. `origin=any` adds what triggers and liquidations placed."""
    origin = call.params.get("origin", "api")
    orders = control.exchange.ledger.find(
        _account_id(control, call),
        _symbol(call),
        call.params.get("client_order_id"),
        None if origin == "any" else origin,
    )
    return [order_record(order) for order in orders]


def get_fills(control: Control, call: Call) -> object:
    wanted, symbol = _account_id(control, call), _symbol(call)
    return [
        fill_record(fill, account.account_id)
        for account in control.exchange.accounts.by_id.values()
        if wanted in (None, account.account_id)
        for fill in account.fills
        if symbol in (None, fill.market.symbol)
    ]


def get_counts(control: Control, call: Call) -> object:
    """Orders accepted from clients, in all and per account (accounts without orders count zero)."""
    accepted = control.exchange.ledger.accepted
    by_account = {account_id: accepted[account_id] for account_id in control.exchange.accounts.by_id}
    return {"orders": sum(by_account.values()), "by_account": by_account}


def get_requests(control: Control, call: Call) -> object:
    requests = control.exchange.requests
    wanted = _account_id(control, call)
    by_endpoint = dict(requests.by_endpoint)
    if wanted is not None:
        counts = requests.by_account.items()
        by_endpoint = {endpoint: n for (account, endpoint), n in counts if account == wanted}
    limit = optional_int(call.params, "limit") or 100
    recent = [entry for entry in requests.recent if wanted in (None, entry.account_id)]
    return {
        "total": sum(by_endpoint.values()),
        "by_endpoint": by_endpoint,
        "by_path": dict(requests.by_path),
        "recent": [asdict(entry) for entry in recent[-limit:]],
    }


def get_prices(control: Control, call: Call) -> object:
    return {symbol: format(quote.last, "f") for symbol, quote in control.exchange.prices.quotes.items()}


def get_faults(control: Control, call: Call) -> object:
    # asdict rebuilds a Counter from pairs and would count the pairs.
    return [asdict(fault) | {"seen": dict(fault.seen)} for fault in control.exchange.faults.rules.values()]
