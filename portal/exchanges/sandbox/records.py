"""Accounts, orders and fills as plain JSON values and back: for the journal and the control plane."""

from decimal import Decimal
from typing import Any

from portal.exchanges.sandbox.accounts import Account, Balance, FuturesWallet, Position
from portal.exchanges.sandbox.markets import Market
from portal.exchanges.sandbox.orders import Fill, Order

_ORDER_DECIMALS = (
    "quantity",
    "price",
    "trigger_price",
    "quote_quantity",
    "executed",
    "executed_quote",
    "locked",
)
_ORDER_PLAIN = (
    "order_id",
    "account_id",
    "client_order_id",
    "side",
    "order_type",
    "time_in_force",
    "created_ms",
    "accepted_ns",
    "accepted_monotonic_ns",
    "reduce_only",
    "close_position",
    "position_side",
    "origin",
    "is_algo",
    "actual_order_id",
    "status",
    "working",
    "locked_asset",
    "updated_ms",
    "visible_at_ms",
)
_FILL_DECIMALS = ("price", "quantity", "fee", "realized_pnl")
_FILL_PLAIN = ("trade_id", "order_id", "side", "position_side", "fee_asset", "maker", "at_ms")
_ACCOUNT_PLAIN = (
    "account_id",
    "api_key",
    "identity_class",
    "enabled",
    "can_trade",
    "can_withdraw",
    "ip_restricted",
    "created_ms",
)


def _pick(thing: object, plain: tuple[str, ...], decimals: tuple[str, ...]) -> dict[str, Any]:
    record: dict[str, Any] = {name: getattr(thing, name) for name in plain}
    for name in decimals:
        record[name] = format(getattr(thing, name), "f")
    return record


def _decimals(record: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: Decimal(record[name]) for name in names}


def order_record(order: Order) -> dict[str, Any]:
    record = _pick(order, _ORDER_PLAIN, _ORDER_DECIMALS)
    record["market"] = order.market.key
    record["symbol"] = order.market.symbol
    return record


def order_from(record: dict[str, Any], markets: dict[str, Market]) -> Order:
    plain = {name: record[name] for name in _ORDER_PLAIN}
    return Order(market=markets[record["market"]], **plain, **_decimals(record, _ORDER_DECIMALS))


def fill_record(fill: Fill, account_id: str) -> dict[str, Any]:
    record = _pick(fill, _FILL_PLAIN, _FILL_DECIMALS)
    return record | {"market": fill.market.key, "symbol": fill.market.symbol, "account_id": account_id}


def fill_from(record: dict[str, Any], markets: dict[str, Market]) -> Fill:
    plain = {name: record[name] for name in _FILL_PLAIN}
    return Fill(market=markets[record["market"]], **plain, **_decimals(record, _FILL_DECIMALS))


def account_record(account: Account) -> dict[str, Any]:
    """Everything about an account but its orders. Contains the practice secret: journal only."""
    wallet = account.futures
    return {name: getattr(account, name) for name in _ACCOUNT_PLAIN} | {
        "secret": account.secret.decode(),
        "balances": {a: [format(b.free, "f"), format(b.locked, "f")] for a, b in account.balances.items()},
        "futures": {
            "balance": format(wallet.balance, "f"),
            "order_margin": format(wallet.order_margin, "f"),
            "hedged": wallet.hedged,
            "leverage": wallet.leverage,
            "isolated": sorted(wallet.isolated),
            "positions": [
                [p.symbol, p.position_side, format(p.quantity, "f"), format(p.entry_price, "f"), p.updated_ms]
                for p in wallet.positions.values()
            ],
        },
    }


def load_account(record: dict[str, Any], account: Account | None) -> Account:
    """The recorded account; an account already read keeps its identity and takes the newer state."""
    wallet = _wallet(record["futures"])
    balances = {a: Balance(Decimal(b[0]), Decimal(b[1])) for a, b in record["balances"].items()}
    plain = {name: record[name] for name in _ACCOUNT_PLAIN}
    if account is None:
        return Account(secret=record["secret"].encode(), balances=balances, futures=wallet, **plain)
    for name, value in plain.items():
        setattr(account, name, value)
    account.balances, account.futures = balances, wallet
    return account


def _wallet(record: dict[str, Any]) -> FuturesWallet:
    return FuturesWallet(
        balance=Decimal(record["balance"]),
        order_margin=Decimal(record["order_margin"]),
        hedged=record["hedged"],
        leverage=dict(record["leverage"]),
        isolated=set(record["isolated"]),
        positions={
            (symbol, side): Position(symbol, side, Decimal(quantity), Decimal(entry), updated)
            for symbol, side, quantity, entry, updated in record["positions"]
        },
    )
