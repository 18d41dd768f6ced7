"""What each failure proves about an order: the venue's own code, or nothing."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest
from ccxt.base import errors

from portal.exchanges.ccxt_errors import translate
from portal.exchanges.ccxt_http import Wire, WireResponse
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.venues_table import venue
from tests.exchanges.captured import captured_exchange, made_up_request
from tests.exchanges.test_ccxt_requests import PREPARATION

NOT_PLACED, UNKNOWN = Outcome.NOT_PLACED, Outcome.UNKNOWN

#: venue, HTTP status, answer, code, outcome. Answers as the venues' documentation prints them.
ANSWERS: list[tuple[str, int, Any, ErrorCode, Outcome]] = [
    ("binance", 400, {"code": -2010, "msg": "Account has insufficient balance for requested action."},
     ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("binance", 400, {"code": -2010, "msg": "Duplicate order sent."},
     ErrorCode.DUPLICATE_CLIENT_ORDER_ID, UNKNOWN),
    ("binance", 400, {"code": -1013, "msg": "Filter failure: LOT_SIZE"}, ErrorCode.INVALID_ORDER, NOT_PLACED),
    ("binance", 400, {"code": -1021, "msg": "Timestamp"}, ErrorCode.CLOCK_OUTSIDE_WINDOW, NOT_PLACED),
    ("binance", 400, {"code": -1007, "msg": "Timeout waiting for response from backend server."},
     ErrorCode.TIMEOUT, UNKNOWN),
    ("binance", 400, {"code": -1006, "msg": "unexpected response"}, ErrorCode.UNKNOWN, UNKNOWN),
    ("binance", 401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
     ErrorCode.AUTHENTICATION_FAILED, NOT_PLACED),
    ("binance", 418, {"code": -1003, "msg": "banned"}, ErrorCode.RATE_LIMITED, NOT_PLACED),
    ("binance", 503, {"code": -2010, "msg": "Account has no balance"}, ErrorCode.UNAVAILABLE, UNKNOWN),
    ("bybit", 200, {"retCode": 170131, "retMsg": "Insufficient balance."},
     ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("bybit", 200, {"retCode": 170146, "retMsg": "Order creation timeout"}, ErrorCode.UNKNOWN, UNKNOWN),
    ("bybit", 200, {"retCode": 10016, "retMsg": "System error"}, ErrorCode.UNKNOWN, UNKNOWN),
    ("bybit", 200, {"retCode": 170141, "retMsg": "Duplicate clientOrderId."},
     ErrorCode.DUPLICATE_CLIENT_ORDER_ID, UNKNOWN),
    ("bybit", 200, {"retCode": 10002, "retMsg": "invalid request, please check your server timestamp"},
     ErrorCode.CLOCK_OUTSIDE_WINDOW, NOT_PLACED),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51008", "sMsg": "Insufficient balance"}], "msg": ""},
     ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51016", "sMsg": "clOrdId duplicated"}], "msg": ""},
     ErrorCode.DUPLICATE_CLIENT_ORDER_ID, UNKNOWN),
    ("okx", 200, {"code": "1", "data": [{"sCode": "51149", "sMsg": "Order timed out"}], "msg": ""},
     ErrorCode.UNKNOWN, UNKNOWN),
    ("okx", 200, {"code": "50004", "data": [], "msg": "Endpoint timeout"}, ErrorCode.TIMEOUT, UNKNOWN),
    ("kraken", 200, {"error": ["EOrder:Insufficient funds"]}, ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("kraken", 200, {"error": ["EService:Busy"]}, ErrorCode.UNAVAILABLE, UNKNOWN),
    ("kraken", 200, {"error": ["EAPI:Invalid nonce"]}, ErrorCode.CLOCK_OUTSIDE_WINDOW, NOT_PLACED),
    ("kraken", 200, {"error": ["EAPI:Invalid key"]}, ErrorCode.AUTHENTICATION_FAILED, NOT_PLACED),
    ("kucoin", 200, {"code": "200004", "msg": "Balance insufficient!"},
     ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("coinbase", 200, {"success": False, "error_response": {"error": "INSUFFICIENT_FUND", "message": "no"}},
     ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("coinbase", 200, {"success": False, "error_response": {"error": "UNKNOWN_FAILURE_REASON"}},
     ErrorCode.UNKNOWN, UNKNOWN),
    ("gate", 400, {"label": "BALANCE_NOT_ENOUGH", "message": "Not enough balance"},
     ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("gate", 400, {"label": "REPEATED_CREATION", "message": "again"},
     ErrorCode.DUPLICATE_CLIENT_ORDER_ID, UNKNOWN),
    ("gate", 400, {"label": "TOO_BUSY", "message": "later"}, ErrorCode.UNAVAILABLE, UNKNOWN),
    ("bitget", 400, {"code": "43012", "msg": "Not enough"}, ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("bitget", 400, {"code": "40015", "msg": "System is abnormal"}, ErrorCode.UNKNOWN, UNKNOWN),
    ("mexc", 400, {"code": 30004, "msg": "Insufficient position"}, ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
    ("hyperliquid", 200,
     {"status": "ok", "response": {"type": "order", "data": {"statuses": [
         {"error": "Insufficient margin to place order. asset=0"}]}}},
     ErrorCode.INSUFFICIENT_FUNDS, NOT_PLACED),
]  # fmt: skip


def refused_by(name: str, status: int, answer: Any) -> ExchangeError:
    exchange, wire = captured_exchange(name)
    [symbol] = exchange.instruments()
    wire.answers = PREPARATION
    wire.order_answer = (status, answer)
    with pytest.raises(ExchangeError) as caught:
        exchange.place_order(made_up_request(symbol, quantity=Decimal(2)))
    return caught.value


@pytest.mark.parametrize(("name", "status", "answer", "code", "outcome"), ANSWERS)
def test_a_venues_answer_means_what_its_code_says(
    name: str, status: int, answer: Any, code: ErrorCode, outcome: Outcome
) -> None:
    error = refused_by(name, status, answer)
    assert (error.code, error.outcome) == (code, outcome), error
    assert error.venue_code or outcome is UNKNOWN


EVERY_CLASS = sorted(
    (found for found in vars(errors).values() if isinstance(found, type)), key=lambda found: found.__name__
)


@pytest.mark.parametrize("kind", EVERY_CLASS, ids=lambda kind: kind.__name__)
def test_no_class_and_no_status_proves_a_refusal_without_the_venues_code(kind: Any) -> None:
    for status in (None, *range(200, 600)):
        wire = Wire()
        wire.wrote = True
        wire.response = WireResponse(status, "", {}, b"<html></html>") if status else None
        error = translate(kind("x"), wire=wire, venue=venue("binance"), secrets=(), placing=True)
        limited = status in (418, 429)
        assert error.outcome is (NOT_PLACED if limited else UNKNOWN), status
        assert error.again is limited


@pytest.mark.parametrize(
    "raised", [KeyError("x"), TypeError("x"), RuntimeError("job timed out"), ccxt.ExchangeError("x")]
)
def test_an_exception_of_any_kind_after_sending_is_unknown_and_before_is_not_placed(
    raised: Exception,
) -> None:
    wire = Wire()
    before = translate(raised, wire=wire, venue=venue("binance"), secrets=(), placing=True)
    wire.wrote = True
    after = translate(raised, wire=wire, venue=venue("binance"), secrets=(), placing=True)
    assert (before.outcome, after.outcome) == (NOT_PLACED, UNKNOWN)


def test_an_invalid_order_at_a_venue_whose_codes_nobody_read_is_unknown() -> None:
    wire = Wire()
    wire.wrote = True
    wire.response = WireResponse(400, "", {}, b'{"code": 7, "msg": "order creation timeout"}')
    error = translate(ccxt.InvalidOrder("x"), wire=wire, venue=venue("bitso"), secrets=(), placing=True)
    assert (error.outcome, error.venue_code) == (UNKNOWN, "7")


def test_a_class_that_comes_from_the_status_alone_refuses_nothing_even_beside_a_code() -> None:
    nobody_knows = {"code": 987654, "message": "never seen before"}
    for status in (400, 404, 405, 410):
        error = refused_by("hollaex", status, nobody_knows)
        assert isinstance(error.__cause__, ccxt.BadRequest)
        assert error.outcome is UNKNOWN, status
    unauthorized = refused_by("hollaex", 401, nobody_knows)
    assert (unauthorized.code, unauthorized.outcome) == (ErrorCode.AUTHENTICATION_FAILED, NOT_PLACED)


def test_a_failed_read_never_proves_that_an_order_was_not_placed() -> None:
    wire = Wire()
    wire.response = WireResponse(400, "", {}, b'{"code": -2015, "msg": "bad key"}')
    error = translate(
        ccxt.AuthenticationError("x"), wire=wire, venue=venue("binance"), secrets=(), placing=False
    )
    assert (error.outcome, error.permanent) == (UNKNOWN, True)


@pytest.mark.parametrize(
    ("header", "expected"), [("7", 7), ("999999", 3600), ("Wed, 21 Oct 2026", None), (None, None)]
)
def test_retry_after_is_read_in_whole_seconds(header: str | None, expected: int | None) -> None:
    wire = Wire()
    wire.wrote = True
    wire.response = WireResponse(429, "", {"Retry-After": header} if header else {}, b"")
    error = translate(
        ccxt.RateLimitExceeded("x"), wire=wire, venue=venue("binance"), secrets=(), placing=True
    )
    assert error.retry_after == expected
