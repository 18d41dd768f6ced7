"""Spot trading on the practice exchange through the real ccxt client."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from portal.exchanges.sandbox.client import SandboxControl
from tests.exchanges.sandbox.conftest import limit_buy

BTC = "BTC/USDT"


def free(exchange: Any, asset: str) -> Decimal:
    return Decimal(str(exchange.fetch_balance()[asset]["free"]))


def test_spot_markets_when_loaded_then_have_rules_and_one_is_closed(spot: Any) -> None:
    usdt = [m for m in spot.markets.values() if m["spot"] and m["quote"] == "USDT" and m["active"]]
    assert len(usdt) >= 20
    assert spot.market("LUNA/USDT")["active"] is False
    assert spot.market("ETH/BTC")["quote"] == "BTC"
    bitcoin = spot.market(BTC)
    assert (bitcoin["precision"]["price"], bitcoin["limits"]["cost"]["min"]) == (0.01, 5.0)


def test_market_buy_when_filled_then_pays_the_fee_in_the_base_asset(spot: Any) -> None:
    order = spot.create_order(BTC, "market", "buy", 0.01, params={"clientOrderId": "first"})
    assert (order["status"], order["clientOrderId"], order["filled"]) == ("closed", "first", 0.01)
    assert order["fee"] == {"currency": "BTC", "cost": 0.00001}
    assert free(spot, "BTC") == Decimal("0.00999")
    assert free(spot, "USDT") == Decimal("10000") - Decimal("0.01") * Decimal(str(order["average"]))


def test_market_sell_when_filled_then_pays_the_fee_in_the_quote_asset(
    spot: Any, control: SandboxControl
) -> None:
    control.update_account("alice", balances={"BTC": "1", "USDT": "0"})
    order = spot.create_order(BTC, "market", "sell", 0.5)
    assert order["fee"]["currency"] == "USDT"
    cost = Decimal(str(order["cost"]))
    assert free(spot, "USDT") == cost - cost / 1000
    assert free(spot, "BTC") == Decimal("0.5")


def test_market_buy_by_quote_amount_when_filled_then_spends_no_more(spot: Any) -> None:
    order = spot.create_market_buy_order_with_cost(BTC, 100)
    assert order["status"] == "closed"
    assert Decimal("99") < Decimal(str(order["cost"])) <= Decimal("100")


def test_limit_order_when_below_the_market_then_rests_and_locks_and_cancel_frees(spot: Any) -> None:
    order = spot.create_order(BTC, "limit", "buy", 0.01, 50000)
    assert order["status"] == "open"
    assert spot.fetch_balance()["USDT"]["used"] == 500
    assert [o["id"] for o in spot.fetch_open_orders(BTC)] == [order["id"]]
    assert spot.cancel_order(order["id"], BTC)["status"] == "canceled"
    assert spot.fetch_balance()["USDT"]["used"] == 0
    assert spot.fetch_open_orders(BTC) == []
    with pytest.raises(ccxt.OrderNotFound):
        spot.cancel_order(order["id"], BTC)


def test_limit_order_when_the_price_comes_to_it_then_is_filled_as_maker_at_its_price(
    spot: Any, control: SandboxControl
) -> None:
    order = spot.create_order(BTC, "limit", "buy", 0.01, 59000)
    control.set_price("BTCUSDT", "58000")
    filled = spot.fetch_order(order["id"], BTC)
    assert (filled["status"], filled["average"]) == ("closed", 59000)
    (trade,) = spot.fetch_my_trades(BTC)
    assert (trade["takerOrMaker"], trade["order"], trade["price"]) == ("maker", order["id"], 59000)
    assert free(spot, "USDT") == Decimal("9410")


def test_limit_order_when_it_crosses_then_pays_the_better_price_and_unlocks_the_rest(spot: Any) -> None:
    order = spot.create_order(BTC, "limit", "buy", 0.01, 65000)
    assert order["average"] == 60006
    assert free(spot, "USDT") == Decimal("10000") - Decimal("600.06")
    assert spot.fetch_balance()["USDT"]["used"] == 0


def test_order_larger_than_the_book_when_market_then_is_filled_in_part_and_expires(
    spot: Any, control: SandboxControl
) -> None:
    control.update_account("alice", balances={"USDT": "100000000"})
    control.set_book("BTCUSDT", levels=3)
    order = spot.create_order(BTC, "market", "buy", 20)
    assert order["status"] == "expired"
    assert 12 < order["filled"] < 13
    assert len(order["trades"]) == 3
    assert len({trade["id"] for trade in order["trades"]}) == 3


def test_ioc_order_when_the_book_is_too_thin_then_keeps_the_part_and_expires(
    spot: Any, control: SandboxControl
) -> None:
    control.update_account("alice", balances={"USDT": "100000000"})
    order = spot.create_order(BTC, "limit", "buy", 20, 60010, {"timeInForce": "IOC"})
    assert order["status"] == "expired"
    assert 0 < order["filled"] < 20
    assert spot.fetch_balance()["USDT"]["used"] == 0


def test_fok_order_when_it_cannot_be_filled_whole_then_nothing_is_filled(
    spot: Any, control: SandboxControl
) -> None:
    control.update_account("alice", balances={"USDT": "100000000"})
    order = spot.create_order(BTC, "limit", "buy", 20, 60010, {"timeInForce": "FOK"})
    assert (order["status"], order["filled"]) == ("expired", 0)
    assert control.fills("alice") == []
    whole = spot.create_order(BTC, "limit", "buy", 1, 60010, {"timeInForce": "FOK"})
    assert (whole["status"], whole["filled"]) == ("closed", 1)


def test_post_only_order_when_it_would_take_then_is_refused(spot: Any, control: SandboxControl) -> None:
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        spot.create_order(BTC, "limit", "buy", 0.01, 61000, {"postOnly": True})
    assert control.orders() == []


def test_stop_loss_when_the_price_falls_then_sells_at_the_market(spot: Any, control: SandboxControl) -> None:
    spot.create_order(BTC, "market", "buy", 0.01)
    stop = spot.create_order(BTC, "market", "sell", 0.00999, params={"stopLossPrice": 58000})
    assert stop["status"] == "open"
    control.set_price("BTCUSDT", "58500")
    assert spot.fetch_order(stop["id"], BTC)["status"] == "open"
    control.set_price("BTCUSDT", "57900")
    done = spot.fetch_order(stop["id"], BTC)
    assert (done["status"], done["filled"]) == ("closed", 0.00999)
    assert free(spot, "BTC") == 0


def test_take_profit_limit_when_the_price_rises_then_rests_at_its_price(
    spot: Any, control: SandboxControl
) -> None:
    spot.create_order(BTC, "market", "buy", 0.01)
    target = spot.create_order(BTC, "limit", "sell", 0.005, 62500, {"takeProfitPrice": 62000})
    control.set_price("BTCUSDT", "62100")
    assert spot.fetch_order(target["id"], BTC)["status"] == "open"
    control.set_price("BTCUSDT", "62600")
    assert spot.fetch_order(target["id"], BTC)["average"] == 62500


def test_stop_when_already_reached_then_is_refused(spot: Any, control: SandboxControl) -> None:
    control.update_account("alice", balances={"BTC": "1"})
    with pytest.raises(ccxt.ExchangeError, match="would trigger immediately"):
        spot.create_order(BTC, "market", "sell", 0.01, params={"stopLossPrice": 61000})
    assert control.orders() == []


@pytest.mark.parametrize(
    ("quantity", "price", "filter_name"),
    [
        ("0.000001", "50000", "LOT_SIZE"),
        ("0.0000101", "50000", "LOT_SIZE"),
        ("2000", "50000", "LOT_SIZE"),
        ("0.01", "50000.001", "PRICE_FILTER"),
        ("0.00002", "50000", "NOTIONAL"),
        ("0.01", "10000", "PERCENT_PRICE_BY_SIDE"),
        ("0.01", "400000", "PERCENT_PRICE_BY_SIDE"),
    ],
)
def test_order_when_it_breaks_a_filter_then_is_refused_by_name(
    spot: Any, control: SandboxControl, quantity: str, price: str, filter_name: str
) -> None:
    with pytest.raises(ccxt.BaseError, match=f"Filter failure: {filter_name}"):
        spot.private_post_order(limit_buy(quantity, price))
    assert control.orders() == []


def test_market_order_when_above_the_market_lot_size_then_is_refused(
    spot: Any, control: SandboxControl
) -> None:
    with pytest.raises(ccxt.BaseError, match="MARKET_LOT_SIZE"):
        spot.private_post_order({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "101"})
    assert control.orders() == []


def test_order_when_the_market_is_closed_then_is_refused(spot: Any, control: SandboxControl) -> None:
    with pytest.raises(ccxt.BaseError, match="Market is closed"):
        spot.create_order("LUNA/USDT", "market", "buy", 100)
    assert control.orders() == []


@pytest.mark.parametrize("quantity", ["NaN", "-1", "1e3", "Infinity", "", "0x10"])
def test_order_when_the_quantity_is_no_number_then_is_refused(
    spot: Any, control: SandboxControl, quantity: str
) -> None:
    with pytest.raises(ccxt.BaseError, match="-110[02]"):
        spot.private_post_order({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": quantity})
    assert control.orders() == []


def test_order_when_funds_are_missing_then_is_refused_and_nothing_is_locked(
    spot: Any, control: SandboxControl
) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        spot.create_order(BTC, "limit", "buy", 1, 59000)
    with pytest.raises(ccxt.InsufficientFunds):
        spot.create_order(BTC, "market", "sell", 0.01)
    assert control.orders() == []
    assert spot.fetch_balance()["USDT"] == {"free": 10000, "used": 0, "total": 10000}


def test_prices_and_books_when_read_then_agree(spot: Any) -> None:
    ticker = spot.fetch_ticker(BTC)
    quote = spot.fetch_bids_asks([BTC, "ETH/USDT"])[BTC]
    book = spot.fetch_order_book(BTC, 5)
    assert ticker["last"] == 60000
    assert (book["bids"][0][0], book["asks"][0][0]) == (quote["bid"], quote["ask"]) == (59994, 60006)
    assert len(book["asks"]) == 5
    assert set(spot.fetch_tickers(["BTC/USDT", "SOL/USDT"])) == {"BTC/USDT", "SOL/USDT"}
    assert spot.fetch_last_prices(["SOL/USDT"])["SOL/USDT"]["price"] == 150


def test_candles_when_read_twice_then_show_the_same_past(spot: Any) -> None:
    candles = spot.fetch_ohlcv(BTC, "1h", limit=48)
    assert len(candles) == 48
    assert candles[:-1] == spot.fetch_ohlcv(BTC, "1h", limit=48)[:-1]
    for _, opened, high, low, close, _ in candles:
        assert low <= min(opened, close) <= max(opened, close) <= high


def test_cross_pair_when_one_side_moves_then_follows(spot: Any, control: SandboxControl) -> None:
    control.set_price("ETHUSDT", "6000")
    assert control.prices()["ETHBTC"] == Decimal("0.1")
    order = spot.create_order(BTC, "market", "buy", 0.05)
    assert order["status"] == "closed"
    assert spot.create_order("ETH/BTC", "market", "buy", 0.1)["status"] == "closed"
    assert free(spot, "ETH") == Decimal("0.0999")


def test_history_when_read_by_page_then_is_complete_and_in_order(spot: Any) -> None:
    ids = [spot.create_order(BTC, "market", "buy", 0.001)["id"] for _ in range(5)]
    assert [o["id"] for o in spot.fetch_orders(BTC)] == ids
    assert [o["id"] for o in spot.fetch_orders(BTC, limit=2)] == ids[-2:]
    assert [o["id"] for o in spot.fetch_orders(BTC, params={"orderId": ids[2]})] == ids[2:]
    trades = spot.fetch_my_trades(BTC)
    assert [t["order"] for t in trades] == ids
    assert [t["id"] for t in spot.fetch_my_trades(BTC, params={"fromId": trades[3]["id"]})] == [
        t["id"] for t in trades[3:]
    ]
