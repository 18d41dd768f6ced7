"""Leverage, margin mode and position mode as venues answer about them: what is set so already is no failure,
and a refusal for the wrong mode is known as one."""

from decimal import Decimal
from typing import Any

import pytest

from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.trading.types import MarginMode
from tests.exchanges.captured import RecordingWire, captured_exchange, made_up_request
from tests.exchanges.test_ccxt_requests import PREPARATION

#: venue, part of the URL, what it answers when nothing is to be done.
ALREADY = [
    (
        "bybit",
        "/v5/position/set-leverage",
        {"retCode": 110043, "retMsg": "Set leverage has not been modified"},
    ),
    ("bybit", "/v5/position/set-leverage", {"retCode": 110043, "retMsg": "leverage not modified"}),
    ("bybit", "/v5/account/set-margin-mode", {"retCode": 110026, "retMsg": "Cross/isolated not modified"}),
    ("binanceusdm", "/marginType", {"code": -4046, "msg": "No need to change margin type."}),
]
#: venue, what it answers to an order that names the wrong side or none.
WRONG_MODE = [
    ("binanceusdm", {"code": -4061, "msg": "Order's position side does not match user's setting."}),
    ("bybit", {"retCode": 10001, "retMsg": "position idx not match position mode"}),
    ("okx", {"code": "1", "data": [{"sCode": "51000", "sMsg": "Parameter posSide  error"}]}),
    ("bitget", {"code": "40774", "msg": "The order type for unilateral position must also be unilateral"}),
]
FINE: dict[str, Any] = {"retCode": 0, "code": 0, "result": {}, "data": {}}


def answering(name: str, answers: dict[str, Any]) -> tuple[Any, RecordingWire]:
    exchange, wire = captured_exchange(name, swap=True)
    wire.answers = {**PREPARATION, **answers}
    return exchange, wire


def refusal(exchange: Any, **changes: Any) -> ExchangeError:
    [symbol] = exchange.instruments()
    with pytest.raises(ExchangeError) as caught:
        exchange.place_order(made_up_request(symbol, quantity=Decimal(2), **changes))
    return caught.value


@pytest.mark.parametrize(("name", "url", "answer"), ALREADY)
def test_setup_that_is_as_wanted_already_lets_the_order_go_out(
    name: str, url: str, answer: dict[str, Any]
) -> None:
    others = {
        "set-leverage": FINE,
        "set-margin-mode": FINE,
        "/leverage": {"symbol": "x"},
        "/marginType": FINE,
    }
    exchange, wire = answering(name, {url: answer, **others})
    setup = {"leverage": Decimal(3), "margin_mode": MarginMode.ISOLATED}
    error = refusal(exchange, **setup)
    assert error.outcome is Outcome.UNKNOWN, error
    assert any(url in sent.url for sent in wire.sent)
    assert "order" in wire.sent[-1].url.lower(), "the order itself was sent, and not answered"


@pytest.mark.parametrize("name", ["bybit", "binanceusdm"])
def test_setup_that_is_refused_for_another_reason_stops_the_order(name: str) -> None:
    answer = {
        "retCode": 110013,
        "code": -4028,
        "retMsg": "cannot set leverage",
        "msg": "Leverage is not valid",
    }
    exchange, wire = answering(name, {"everage": answer, "marginType": FINE})
    error = refusal(exchange, leverage=Decimal(3))
    assert error.outcome is Outcome.NOT_PLACED
    assert not any(sent.url.endswith("/order") or "/order/create" in sent.url for sent in wire.sent)


@pytest.mark.parametrize(("name", "answer"), WRONG_MODE)
def test_order_for_the_wrong_position_mode_is_refused_and_known_as_that(
    name: str, answer: dict[str, Any]
) -> None:
    exchange, wire = answering(name, {})
    wire.order_answer = (400 if name in ("binanceusdm", "bitget") else 200, answer)
    error = refusal(exchange)
    assert (error.code, error.outcome) == (ErrorCode.WRONG_POSITION_MODE, Outcome.NOT_PLACED)


def test_bybit_saying_that_the_mode_is_set_so_already_is_no_wrong_mode() -> None:
    exchange, wire = answering("bybit", {})
    wire.order_answer = (200, {"retCode": 110025, "retMsg": "Position mode is not modified"})
    assert refusal(exchange).code is not ErrorCode.WRONG_POSITION_MODE
