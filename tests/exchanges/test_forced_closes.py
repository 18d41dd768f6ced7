"""What an exchange closed by itself is told apart from what a hand closed, by that exchange's own marks."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.exchanges.ccxt_reports import to_fill
from portal.exchanges.forced_closes import is_forced
from portal.models import ExecutionConnection
from portal.services.reconciliation import evidence
from portal.trading.orders import FillReport
from portal.trading.reconcile import Held, Subject
from portal.trading.types import MarketType, PositionSide, Side
from tests.exchanges.captured import captured_exchange

ME, OTHER = "0x" + "Ab" * 20, "0x" + "cd" * 20
NOW = datetime.now(UTC).replace(microsecond=0)

FORCED: list[tuple[str, Mapping[str, Any]]] = [
    ("bybit", {"execType": "BustTrade", "createType": "CreateByTakeOver_PassThrough"}),
    ("bybit", {"execType": "AdlTrade"}),
    ("bybit", {"execType": "Trade", "createType": "CreateByLiq"}),
    ("bybitid", {"createType": "CreateByAdl_PassThrough"}),
    ("okx", {"category": "full_liquidation"}),
    ("okx", {"category": "partial_liquidation"}),
    ("myokx", {"category": "adl"}),
    ("kucoin", {"tradeType": "liquidation"}),
    ("kucoinfutures", {"tradeType": "ADL"}),
    ("gate", {"is_liq": True, "text": "-"}),
    ("gate", {"is_liq": False, "text": "auto_deleveraging"}),
    ("gateeu", {"text": "liquidation"}),
    ("bitget", {"tradeSide": "burst_close_long"}),
    ("bitget", {"tradeSide": "reduce_sell_single"}),
    ("bitget", {"tradeSide": "offset_close_short"}),
    ("bitget", {"tradeSide": "dte_sys_adl_buy_in_single_side_mode"}),
    ("krakenfutures", {"fillType": "liquidation"}),
    ("hyperliquid", {"dir": "Close Long", "liquidation": {"liquidatedUser": ME.lower(), "method": "market"}}),
]
BY_HAND: list[tuple[str, Mapping[str, Any] | None]] = [
    ("bybit", {"execType": "Trade", "createType": "CreateByUser"}),
    ("bybit", {"execType": "Trade", "createType": "CreateByStopLoss"}),
    ("bybit", {"execType": "Settle", "createType": "CreateBySettle"}),
    ("okx", {"category": "normal"}),
    ("okx", {"category": "delivery"}),
    ("kucoin", {"tradeType": "trade"}),
    ("kucoin", {"tradeType": "settlement"}),
    ("gate", {"is_liq": False, "text": "t-0123", "finish_as": "liquidated"}),
    ("gate", {"text": "web"}),
    ("bitget", {"tradeSide": "close"}),
    ("bitget", {"tradeSide": "delivery_close_long"}),
    ("krakenfutures", {"fillType": "assignee"}),
    ("hyperliquid", {"liquidation": {"liquidatedUser": OTHER, "method": "market"}}),
    ("hyperliquid", {"dir": "Close Long"}),
    ("hyperliquid", {"liquidation": None}),
    ("binance", {"execType": "BustTrade", "category": "adl"}),
    ("okx", {}),
    ("okx", None),
]


@pytest.mark.parametrize(("name", "info"), FORCED, ids=str)
def test_trade_or_order_with_the_mark_of_its_exchange_was_forced(name: str, info: Mapping[str, Any]) -> None:
    assert is_forced(name, info, ME)


@pytest.mark.parametrize(("name", "info"), BY_HAND, ids=str)
def test_trade_or_order_without_such_a_mark_was_not(name: str, info: Mapping[str, Any] | None) -> None:
    assert not is_forced(name, info, ME)
    assert not is_forced(name, info)


def bybit_trade(number: int, **changes: Any) -> dict[str, Any]:
    moment = str(int((NOW - timedelta(minutes=1)).timestamp() * 1000))
    return {
        "symbol": "BTC-USDT-SWAP", "execId": f"t{number}", "orderId": f"o{number}", "side": "Sell",
        "execQty": "0.5", "execPrice": "40000", "execFee": "1", "execTime": moment, "execType": "Trade",
        "createType": "CreateByUser", "isMaker": False,
    } | changes  # fmt: skip


def answer(*trades: Mapping[str, Any]) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": {"list": list(trades), "nextPageCursor": ""}, "time": 1}


def test_bybit_is_asked_for_the_trades_that_it_lists_apart_and_marks_them() -> None:
    exchange, wire = captured_exchange("bybit", swap=True)
    wire.answers = {
        "execType=Trade": answer(bybit_trade(1)),
        "execType=BustTrade": answer(
            bybit_trade(2, execType="BustTrade", createType="CreateByTakeOver_PassThrough")
        ),
        "execType=AdlTrade": answer(),
    }
    found = exchange.fills("BTC/USDT:USDT", NOW - timedelta(hours=1))
    assert {fill.exchange_fill_id: fill.forced for fill in found} == {"t1": False, "t2": True}


def fill(**changes: Any) -> FillReport:
    found = to_fill({"id": "t", "order": "o", "side": "sell", "amount": "1", "price": "9", "symbol": "B"})
    assert found is not None
    values = {name: getattr(found, name) for name in FillReport.__dataclass_fields__}
    return FillReport(**(values | changes))


@pytest.mark.parametrize(
    ("forced_fill", "category", "expected"),
    [(False, "normal", False), (True, "normal", True), (False, "full_liquidation", True)],
)
def test_order_behind_a_shortage_was_forced_when_it_or_a_trade_of_it_says_so(
    forced_fill: bool, category: str, expected: bool
) -> None:
    exchange, wire = captured_exchange("okx", swap=True)
    row = {
        "instId": "BTC-USDT-SWAP", "ordId": "o", "clOrdId": "", "side": "sell", "posSide": "net", "sz": "1",
        "accFillSz": "1", "avgPx": "9", "state": "filled", "category": category, "ordType": "market",
        "cTime": "1700000000000", "px": "", "instType": "SWAP",
    }  # fmt: skip
    wire.answers = {"/trade/order": {"code": "0", "msg": "", "data": [row]}}
    subject = Subject(MarketType.SWAP, "BTC/USDT:USDT", PositionSide.LONG)
    held = [Held(1, subject, subject.name, Decimal(1), Decimal("0.001"), NOW)]
    connection = ExecutionConnection(exchange_name="okx")
    told = fill(symbol=subject.name, side=Side.SELL, forced=forced_fill)
    assert evidence.whose(connection, exchange, held, [told]).forced is expected
