"""The exchange's own books under random orders: nothing appears, is lost or stays locked."""

import random
from decimal import Decimal

import pytest

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.cancellation import cancel
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.errors import VenueError
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.intents import PERP_TYPES, SPOT_TYPES, perp_intent, spot_intent
from portal.exchanges.sandbox.placement import Treatment, place

START = Decimal("100000")
STEPS = 1500


def random_order(noise: random.Random, price: Decimal, perp: bool) -> dict[str, str]:
    def near() -> str:
        return f"{price * Decimal(noise.randint(970, 1030)) / 1000:.1f}"

    params = {
        "side": noise.choice(["BUY", "SELL"]),
        "type": noise.choice(PERP_TYPES if perp else SPOT_TYPES),
        "timeInForce": noise.choice(["GTC", "GTC", "IOC", "FOK"]),
        "price": near(),
        "stopPrice": near(),
        "reduceOnly": noise.choice(["true", "false", "false"]),
    }
    if not perp and params["type"] == "MARKET" and noise.random() < 0.3:
        return params | {"quoteOrderQty": str(noise.randint(1, 20000))}
    return params | {"quantity": f"{noise.randint(1, 900) / 1000:.3f}"}


def trade_at_random(control: Control, account: Account, seed: int, perp: bool) -> None:
    exchange, noise = control.exchange, random.Random(seed)
    market = exchange.market("perp" if perp else "spot", "BTCUSDT")
    for _ in range(STEPS):
        exchange.prices.set("BTCUSDT", Decimal(noise.randint(55000, 65000)))
        params = random_order(noise, exchange.price(market), perp)
        fraction = Decimal("0.4") if noise.random() < 0.1 else None
        try:
            intent = perp_intent(market, params, algo=False) if perp else spot_intent(market, params)
            place(exchange, account, intent, Treatment(fraction=fraction))
            if account.open_orders and noise.random() < 0.4:
                order = noise.choice(list(account.open_orders.values()))
                cancel(exchange, account, market, {"orderId": str(order.order_id)})
        except VenueError:
            continue
        check(account)


def check(account: Account) -> None:
    locked: dict[str, Decimal] = {}
    for order in account.open_orders.values():
        locked[order.locked_asset] = locked.get(order.locked_asset, Decimal(0)) + order.locked
        assert order.locked >= 0
        assert order.is_open
    for asset, held in account.balances.items():
        assert held.free >= 0
        assert held.locked == (0 if account.futures.order_margin else locked.get(asset, 0))
    for order in account.orders:
        assert order.is_open or order.locked == 0
        assert 0 <= order.executed <= order.quantity


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spot_books_when_traded_at_random_then_equal_the_sum_of_the_fills(seed: int) -> None:
    control = Control(Exchange(seed))
    account = control.exchange.open_account("alice", balances={"USDT": START, "BTC": Decimal(2)})
    trade_at_random(control, account, seed, perp=False)
    usdt, btc = START, Decimal(2)
    for fill in account.fills:
        sign = 1 if fill.side == "BUY" else -1
        usdt -= sign * fill.price * fill.quantity + (fill.fee if fill.fee_asset == "USDT" else 0)
        btc += sign * fill.quantity - (fill.fee if fill.fee_asset == "BTC" else 0)
    held = {asset: balance.free + balance.locked for asset, balance in account.balances.items()}
    assert len(account.fills) > 200
    assert held == {"USDT": usdt, "BTC": btc}


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_futures_books_when_traded_at_random_then_equal_the_sum_of_the_fills(seed: int) -> None:
    control = Control(Exchange(seed))
    account = control.exchange.open_account("alice", balances={}, futures_balance=START * 10)
    trade_at_random(control, account, seed, perp=True)
    signed = sum(fill.quantity if fill.side == "BUY" else -fill.quantity for fill in account.fills)
    wallet = START * 10 + sum(fill.realized_pnl - fill.fee for fill in account.fills)
    position = account.futures.position("BTCUSDT", "BOTH")
    margin = sum(order.locked for order in account.open_orders.values())
    spent = sum(f.price * f.quantity * (1 if f.side == "BUY" else -1) for f in account.fills)
    realized = sum(fill.realized_pnl for fill in account.fills)
    assert len(account.fills) > 200
    assert (position.quantity, account.futures.balance) == (signed, wallet)
    assert account.futures.order_margin == margin
    assert spent == pytest.approx(position.quantity * position.entry_price - realized, abs=Decimal("1e-4"))
