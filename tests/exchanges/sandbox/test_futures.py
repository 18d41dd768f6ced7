"""USDⓈ-M futures on the practice exchange through the real ccxt client."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from portal.exchanges.sandbox.client import SandboxControl
from tests.exchanges.sandbox.conftest import limit_buy

BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"


def wallet(control: SandboxControl) -> Decimal:
    return Decimal(control.accounts("alice")[0]["futures_balance"])


def test_perpetuals_when_loaded_then_mirror_the_spot_pairs(perp: Any) -> None:
    active = [m for m in perp.markets.values() if m["swap"] and m["active"]]
    assert len(active) >= 20
    assert perp.market("LUNA/USDT:USDT")["active"] is False
    assert perp.market(BTC)["limits"]["cost"]["min"] == 100


def test_long_position_when_opened_and_closed_then_books_profit_and_fees(
    perp: Any, control: SandboxControl
) -> None:
    opened = perp.create_order(BTC, "market", "buy", 0.1)
    assert (opened["status"], opened["average"]) == ("closed", 60006)
    control.set_price("BTCUSDT", "61000")
    (position,) = perp.fetch_positions([BTC])
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.1, 60006)
    assert position["unrealizedPnl"] == pytest.approx(99.4)
    closed = perp.create_order(BTC, "market", "sell", 0.1, params={"reduceOnly": True})
    assert perp.fetch_positions([BTC]) == []
    profit = (Decimal(str(closed["average"])) - 60006) / 10
    fees = sum(Decimal(str(t["fee"]["cost"])) for t in perp.fetch_my_trades(BTC))
    assert wallet(control) == 10000 + profit - fees
    assert fees == (Decimal("6000.6") + Decimal(str(closed["cost"]))) * Decimal("0.0005")


def test_opposite_order_when_larger_than_the_position_then_turns_it(perp: Any) -> None:
    perp.create_order(ETH, "market", "buy", 1)
    perp.create_order(ETH, "market", "sell", 3)
    (position,) = perp.fetch_positions([ETH])
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 2, 2999.7)


def test_order_when_margin_is_missing_then_is_refused(perp: Any, control: SandboxControl) -> None:
    perp.set_leverage(1, BTC)
    with pytest.raises(ccxt.BaseError, match="-2019|Margin is insufficient"):
        perp.create_order(BTC, "market", "buy", 0.2)
    assert control.orders() == []
    perp.set_leverage(10, BTC)
    assert perp.create_order(BTC, "market", "buy", 0.2)["status"] == "closed"


def test_resting_order_when_open_then_holds_margin_until_cancelled(perp: Any) -> None:
    order = perp.create_order(BTC, "limit", "buy", 0.1, 55000)
    assert perp.fetch_balance()["USDT"]["used"] == pytest.approx(275)
    perp.cancel_order(order["id"], BTC)
    assert perp.fetch_balance()["USDT"]["used"] == 0


def test_reduce_only_order_without_position_when_sent_then_is_refused(
    perp: Any, control: SandboxControl
) -> None:
    with pytest.raises(ccxt.BaseError, match="ReduceOnly Order is rejected"):
        perp.create_order(BTC, "market", "sell", 0.01, params={"reduceOnly": True})
    assert control.orders() == []


def test_reduce_only_order_when_larger_than_the_position_then_only_closes_it(perp: Any) -> None:
    perp.create_order(BTC, "market", "buy", 0.01)
    order = perp.create_order(BTC, "market", "sell", 0.05, params={"reduceOnly": True})
    assert (order["status"], order["filled"]) == ("closed", 0.01)
    assert perp.fetch_positions([BTC]) == []


def test_post_only_and_fok_when_they_cannot_be_kept_then_are_refused(
    perp: Any, control: SandboxControl
) -> None:
    with pytest.raises(ccxt.BaseError, match="-5022"):
        perp.create_order(BTC, "limit", "buy", 0.01, 61000, {"postOnly": True})
    with pytest.raises(ccxt.BaseError, match="-5021"):
        perp.create_order(BTC, "limit", "buy", 0.01, 59000, {"timeInForce": "FOK"})
    assert control.orders() == []


@pytest.mark.parametrize(
    ("quantity", "price", "code"),
    [
        ("0.0001", "60000", "-1111"),
        ("0.001", "60000", "-4164"),
        ("0.01", "60000.05", "-4014"),
        ("0.01", "90000", "-4016"),
        ("0", "60000", "-4003"),
        ("5000", "60000", "-4005"),
    ],
)
def test_futures_order_when_it_breaks_a_rule_then_has_that_code(
    perp: Any, control: SandboxControl, quantity: str, price: str, code: str
) -> None:
    with pytest.raises(ccxt.BaseError, match=code):
        perp.fapiPrivatePostOrder(limit_buy(quantity, price))
    assert control.orders() == []


def test_stop_loss_when_reached_then_closes_through_an_order_of_its_own(
    perp: Any, control: SandboxControl
) -> None:
    perp.create_order(BTC, "market", "buy", 0.01)
    params = {"stopLossPrice": 59000, "reduceOnly": True, "clientOrderId": "sl"}
    stop = perp.create_order(BTC, "market", "sell", 0.01, params=params)
    assert (stop["status"], stop["triggerPrice"], stop["clientOrderId"]) == ("open", 59000, "sl")
    assert [o["id"] for o in perp.fetch_open_orders(BTC, params={"trigger": True})] == [stop["id"]]
    assert perp.fetch_open_orders(BTC) == []
    control.set_path("BTCUSDT", [(0, "59500"), (0.05, "58990")])
    actual = ""
    for _ in range(200):
        info = perp.fetch_order(None, BTC, {"trigger": True, "clientOrderId": "sl"})["info"]
        if info["algoStatus"] == "FINISHED":
            actual = info["actualOrderId"]
            break
    assert perp.fetch_order(actual, BTC)["status"] == "closed"
    assert perp.fetch_positions([BTC]) == []
    assert [o.client_order_id for o in control.orders("alice", "BTCUSDT")][-1] == "sl"
    assert [o.origin for o in control.orders("alice", origin="any")] == ["api", "api", "trigger"]


def test_take_profit_when_cancelled_then_never_triggers(perp: Any, control: SandboxControl) -> None:
    perp.create_order(BTC, "market", "buy", 0.01)
    target = perp.create_order(BTC, "market", "sell", 0.01, params={"takeProfitPrice": 62000})
    perp.cancel_order(target["id"], BTC, {"trigger": True})
    control.set_price("BTCUSDT", "63000")
    assert perp.fetch_positions([BTC])[0]["contracts"] == 0.01
    assert perp.fetch_order(target["id"], BTC, {"trigger": True})["status"] == "canceled"


def test_close_position_stop_when_reached_then_closes_all_of_it(perp: Any, control: SandboxControl) -> None:
    perp.create_order(BTC, "market", "sell", 0.02)
    perp.create_order(BTC, "STOP_MARKET", "buy", 0, params={"triggerPrice": 61000, "closePosition": True})
    control.set_price("BTCUSDT", "61000")
    assert perp.fetch_positions([BTC]) == []


def test_stop_on_the_plain_order_endpoint_when_reached_then_works_too(
    perp: Any, control: SandboxControl
) -> None:
    perp.create_order(BTC, "market", "buy", 0.01)
    stop = perp.fapiPrivatePostOrder(
        {
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "STOP_MARKET",
            "quantity": "0.01",
            "stopPrice": "59000",
            "reduceOnly": "true",
        }
    )
    assert (stop["status"], stop["type"]) == ("NEW", "STOP_MARKET")
    control.set_price("BTCUSDT", "58000")
    done = perp.fetch_order(stop["orderId"], BTC)
    shown = (done["info"]["type"], done["info"]["origType"])
    assert (done["status"], *shown) == ("closed", "MARKET", "STOP_MARKET")


def test_stop_without_position_when_reached_then_is_rejected_and_places_nothing(
    perp: Any, control: SandboxControl
) -> None:
    perp.create_order(BTC, "market", "buy", 0.01)
    stop = perp.create_order(BTC, "market", "sell", 0.01, params={"stopLossPrice": 59000, "reduceOnly": True})
    perp.create_order(BTC, "market", "sell", 0.01, params={"reduceOnly": True})
    control.set_price("BTCUSDT", "58000")
    assert perp.fetch_order(stop["id"], BTC, {"trigger": True})["status"] == "rejected"
    assert [o.origin for o in control.orders(origin="any")] == ["api"] * 3


def test_hedge_mode_when_on_then_long_and_short_live_side_by_side(perp: Any, control: SandboxControl) -> None:
    perp.set_position_mode(True)
    assert perp.fetch_position_mode()["hedged"] is True
    with pytest.raises(ccxt.BaseError, match="-4061"):
        perp.create_order(BTC, "market", "buy", 0.01)
    assert control.orders() == []
    perp.create_order(BTC, "market", "buy", 0.02, params={"hedged": True})
    perp.create_order(BTC, "market", "sell", 0.01, params={"hedged": True})
    sides = {p["side"]: p["contracts"] for p in perp.fetch_positions([BTC])}
    assert sides == {"long": 0.02, "short": 0.01}
    perp.create_order(BTC, "market", "sell", 0.02, params={"hedged": True, "reduceOnly": True})
    assert [p["side"] for p in perp.fetch_positions([BTC])] == ["short"]
    with pytest.raises(ccxt.BaseError, match="-4068"):
        perp.set_position_mode(False)


def test_one_way_mode_when_a_position_side_is_sent_then_is_refused(
    perp: Any, control: SandboxControl
) -> None:
    with pytest.raises(ccxt.BaseError, match="-4061"):
        perp.create_order(BTC, "market", "buy", 0.01, params={"positionSide": "LONG"})
    assert control.orders() == []


def test_settings_when_changed_then_are_reported(perp: Any) -> None:
    perp.set_leverage(7, ETH)
    perp.set_margin_mode("isolated", ETH)
    leverage = perp.fetch_leverages([ETH])[ETH]
    assert (leverage["longLeverage"], leverage["marginMode"]) == (7, "isolated")
    with pytest.raises(ccxt.MarginModeAlreadySet):
        perp.fapiPrivatePostMarginType({"symbol": "ETHUSDT", "marginType": "ISOLATED"})


def test_leveraged_position_when_the_market_turns_then_is_liquidated(
    perp: Any, control: SandboxControl
) -> None:
    control.update_account("alice", futures_balance="500")
    perp.set_leverage(20, BTC)
    perp.create_order(BTC, "market", "buy", 0.1)
    control.set_price("BTCUSDT", "57000")
    assert perp.fetch_positions([BTC])[0]["contracts"] == 0.1
    control.set_price("BTCUSDT", "55000")
    assert perp.fetch_positions([BTC]) == []
    assert wallet(control) < Decimal("1")
    assert [o.origin for o in control.orders(origin="any")] == ["api", "liquidation"]
