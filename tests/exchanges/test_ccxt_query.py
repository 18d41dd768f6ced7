"""Each venue is asked for our order by its own routes and fields, and only true answers count as absence."""

from typing import Any

import pytest

from portal.exchanges.errors import ExchangeError
from portal.trading.orders import OrderRef
from tests.exchanges.captured import CLIENT_ORDER_ID, RecordingWire, captured_exchange, made_up_request
from tests.exchanges.test_ccxt_requests import PREPARATION

ID = CLIENT_ORDER_ID
CLOID = f"0x{ID}"

#: venue, swap, texts that must be somewhere in the questions.
QUESTIONS: list[tuple[str, bool, tuple[str, ...]]] = [
    ("binance", False, (f"origClientOrderId={ID}", "/openOrders", "/allOrders")),
    ("binanceusdm", True, (f"origClientOrderId={ID}", "/openOrders", "/allOrders")),
    ("bybit", False, ("/v5/order/realtime", f"limit=50&orderLinkId={ID}", "/v5/order/history")),
    ("bybit", True, ("/v5/order/realtime", f"orderLinkId={ID}", "/v5/order/history")),
    ("okx", False, (f"clOrdId={ID}", "/orders-pending", "/orders-history", "state=filled")),
    ("kraken", False, ("/OpenOrders", "/ClosedOrders", f"cl_ord_id={ID}")),
    ("kucoin", False, (f"/order/client-order/{ID}", "status=active", "status=done")),
    ("coinbase", False, ("/orders/historical/batch", "order_status=OPEN")),
    ("gate", False, (f"/spot/orders/t-{ID[:28]}", "status=open", "status=finished")),
    ("gate", True, (f"/orders/t-{ID[:28]}", "status=open", "/orders_timerange")),
    ("bitget", False, (f"clientOid={ID}", "/unfilled-orders", "/history-orders")),
    ("bitget", True, (f"clientOid={ID}", "/orders-pending", "/orders-history")),
    ("mexc", False, (f"origClientOrderId={ID}", "/openOrders", "/allOrders")),
    ("mexc", True, (f"/order/external/BTC-USDT-SWAP/{ID}", "/list/open_orders", "/list/history_orders")),
    ("hyperliquid", True, (f'"oid":"{CLOID}"', '"type":"frontendOpenOrders"', '"type":"historicalOrders"')),
    ("deribit", True, (f"get_order_state_by_label?currency=USDT&label={ID}", "get_open_orders_by")),
    ("cryptocom", False, (f'"client_oid":"{ID}"', "get-open-orders")),
    ("bitso", False, ("open_orders",)),
]


def ask(
    name: str, *, swap: bool, answers: dict[str, Any] | None = None, **changes: Any
) -> tuple[Any, RecordingWire]:
    exchange, wire = captured_exchange(name, swap=swap)
    wire.answers = {**PREPARATION, **(answers or {})}
    [symbol] = exchange.instruments()
    request = made_up_request(symbol)
    values = {"client_order_id": ID, "symbol": symbol, "sent_at": request.sent_at, **changes}
    try:
        return exchange.find_order(OrderRef(**values)), wire
    except ExchangeError as error:
        return error, wire


@pytest.mark.parametrize(("name", "swap", "texts"), QUESTIONS)
def test_every_route_of_the_venue_is_asked_with_our_id_in_its_field(
    name: str, swap: bool, texts: tuple[str, ...]
) -> None:
    answer, wire = ask(name, swap=swap)
    asked = " ".join(sent.text for sent in wire.sent)
    assert all(text in asked for text in texts), asked
    assert isinstance(answer, ExchangeError)  # silence everywhere is no answer
    assert "None" not in asked or name == "bitso"  # ccxt's own default there


@pytest.mark.parametrize("name", ["bybit", "kraken", "coinbase"])
def test_a_venue_whose_order_endpoint_does_not_take_our_id_is_not_asked_there(name: str) -> None:
    _, wire = ask(name, swap=False)
    asked = " ".join(sent.text for sent in wire.sent)
    assert "userref" not in asked
    assert "orderId=None" not in asked
    assert "/historical/None" not in asked


def test_the_venues_own_id_is_asked_for_first_when_it_is_known() -> None:
    _, wire = ask("binance", swap=False, exchange_order_id="77")
    assert "orderId=77" in wire.sent[0].text


def test_empty_lists_are_absence_and_a_failing_endpoint_is_not() -> None:
    lookup, _ = ask("binance", swap=False, answers={"/openOrders": [], "/allOrders": []})
    assert lookup.report is None
    assert lookup.absent_from == {"open", "history"}


def test_a_list_that_may_be_cut_off_is_not_absence() -> None:
    rows = [binance_order(number) for number in range(500)]
    lookup, _ = ask("binance", swap=False, answers={"/openOrders": [], "/allOrders": rows})
    assert "history" not in lookup.absent_from
    assert "open" in lookup.absent_from


def test_finished_orders_are_asked_for_filled_and_canceled_where_the_venue_keeps_them_apart() -> None:
    done = {"code": "0", "data": []}
    lookup, wire = ask("okx", swap=False, answers={"/orders-history": done, "/orders-pending": done})
    asked = " ".join(sent.text for sent in wire.sent)
    assert "state=filled" in asked
    assert "state=canceled" in asked
    assert lookup.absent_from == {"open", "history"}


def test_our_order_is_found_in_a_list_by_our_id() -> None:
    rows = [binance_order(1), binance_order(2, clientOrderId=ID)]
    lookup, _ = ask("binance", swap=False, answers={"/openOrders": rows})
    assert lookup.report.exchange_order_id == "2"
    assert lookup.report.client_order_id == ID


def test_an_answer_about_another_order_is_neither_found_nor_absent() -> None:
    answers = {"/openOrders": [], "/allOrders": [], "/order": binance_order(5, clientOrderId="else")}
    lookup, _ = ask("binance", swap=False, answers=answers)
    assert lookup.report is None
    assert "order" not in lookup.absent_from


def test_a_stop_on_futures_is_asked_for_as_a_stop() -> None:
    _, wire = ask("binanceusdm", swap=True, trigger=True)
    asked = " ".join(sent.text for sent in wire.sent)
    assert f"clientAlgoId={ID}" in asked
    assert "openAlgoOrders" in asked


def test_lists_of_a_venue_that_may_not_name_our_id_count_only_when_empty() -> None:
    unlisted = {"open_orders": {"success": True, "payload": [{"oid": "x", "book": "btc_mxn", "side": "buy"}]}}
    answer, _ = ask("bitso", swap=False, answers=unlisted)
    assert isinstance(answer, ExchangeError)
    empty = {"open_orders": {"success": True, "payload": []}, "user_trades": {"success": True, "payload": []}}
    lookup, _ = ask("bitso", swap=False, answers=empty)
    assert lookup.absent_from == {"open", "fills"}


def binance_order(number: int, **changes: Any) -> dict[str, Any]:
    row = {
        "symbol": "BTC-USDT", "orderId": number, "clientOrderId": f"foreign-{number}", "price": "1",
        "origQty": "2", "executedQty": "0", "cummulativeQuoteQty": "0", "status": "NEW", "type": "LIMIT",
        "side": "BUY", "time": 1_700_000_000_000,
    }  # fmt: skip
    return {**row, **changes}
