"""Every scripted fault, seen from the real client, and judged by the ledger of accepted orders."""

import time
from collections.abc import Callable
from typing import Any

import ccxt
import pytest

from portal.exchanges.sandbox.client import SandboxControl, SandboxControlError

BTC = "BTC/USDT"


def buy(exchange: Any, client_order_id: str = "one") -> Any:
    return exchange.create_order(BTC, "market", "buy", 0.01, params={"clientOrderId": client_order_id})


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 3
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def accepted(control: SandboxControl) -> int:
    return len(control.orders("alice"))


def test_answer_when_withheld_then_the_order_was_accepted(spot: Any, control: SandboxControl) -> None:
    spot.timeout = 300
    control.add_fault("accept_no_answer", seconds=30, nth=1)
    with pytest.raises(ccxt.RequestTimeout):
        buy(spot)
    assert accepted(control) == 1
    assert spot.fetch_order(None, BTC, {"clientOrderId": "one"})["status"] == "closed"


def test_request_when_late_then_is_accepted_after_the_client_gave_up(
    spot: Any, control: SandboxControl
) -> None:
    spot.timeout = 100
    control.add_fault("delay", seconds=0.3, nth=1)
    with pytest.raises(ccxt.RequestTimeout):
        buy(spot)
    assert accepted(control) == 0
    wait_until(lambda: accepted(control) == 1)


def test_connection_when_closed_after_acceptance_then_the_order_was_accepted(
    spot: Any, control: SandboxControl
) -> None:
    control.add_fault("accept_no_answer", nth=1)
    with pytest.raises(ccxt.NetworkError):
        buy(spot)
    assert accepted(control) == 1


def test_connection_when_closed_before_acceptance_then_there_is_no_order(
    spot: Any, control: SandboxControl
) -> None:
    control.add_fault("close_before_accept", nth=1)
    with pytest.raises(ccxt.NetworkError):
        buy(spot)
    assert accepted(control) == 0
    with pytest.raises(ccxt.OrderNotFound):
        spot.fetch_order(None, BTC, {"clientOrderId": "one"})


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 524, 599])
@pytest.mark.parametrize(("kind", "orders"), [("http_before", 0), ("http_after", 1)])
def test_error_status_when_sent_then_the_ledger_knows_the_truth(
    spot: Any, control: SandboxControl, kind: str, orders: int, status: int
) -> None:
    control.add_fault(kind, status=status, body="html", nth=1)
    with pytest.raises(ccxt.BaseError):
        buy(spot)
    assert accepted(control) == orders
    assert control.requests("alice")["recent"][-1]["status"] == status


@pytest.mark.parametrize("status", [429, 418])
def test_rate_limit_when_hit_then_says_when_to_come_back(
    spot: Any, control: SandboxControl, status: int
) -> None:
    control.add_fault("rate_limit", status=status, retry_after=7, nth=1)
    with pytest.raises((ccxt.DDoSProtection, ccxt.RateLimitExceeded)):
        buy(spot)
    assert spot.last_response_headers["Retry-After"] == "7"
    assert accepted(control) == 0


def test_maintenance_when_on_then_nothing_is_accepted(spot: Any, control: SandboxControl) -> None:
    control.add_fault("maintenance", endpoint="*")
    with pytest.raises(ccxt.OnMaintenance):
        buy(spot)
    assert accepted(control) == 0
    control.clear_faults()
    buy(spot)
    assert accepted(control) == 1


def test_clock_error_when_scripted_then_nothing_is_accepted(spot: Any, control: SandboxControl) -> None:
    control.add_fault("clock_error", nth=1)
    with pytest.raises(ccxt.InvalidNonce):
        buy(spot)
    assert accepted(control) == 0


@pytest.mark.parametrize("kind", ["empty_200", "garbage_200"])
def test_answer_when_it_is_no_json_then_the_client_returns_an_order_without_id(
    spot: Any, control: SandboxControl, kind: str
) -> None:
    control.add_fault(kind, nth=1)
    assert buy(spot)["id"] is None
    assert accepted(control) == 1


def test_answer_when_it_has_no_id_then_the_order_was_accepted(spot: Any, control: SandboxControl) -> None:
    control.add_fault("json_without_id", nth=1)
    order = buy(spot)
    assert (order["id"], order["status"]) == (None, "closed")
    assert accepted(control) == 1


def test_answer_when_cut_off_then_the_order_was_accepted(spot: Any, control: SandboxControl) -> None:
    control.add_fault("truncated_json", nth=1)
    with pytest.raises(ccxt.BaseError):
        buy(spot)
    assert accepted(control) == 1


def test_answer_when_it_drips_then_still_arrives(spot: Any, control: SandboxControl) -> None:
    control.add_fault("slow_body", seconds=0.2, nth=1)
    assert buy(spot)["status"] == "closed"
    assert accepted(control) == 1


def test_order_when_invisible_then_queries_miss_it_until_later(spot: Any, control: SandboxControl) -> None:
    control.add_fault("invisible", seconds=0.4, nth=1)
    order = buy(spot)
    with pytest.raises(ccxt.OrderNotFound):
        spot.fetch_order(order["id"], BTC)
    assert spot.fetch_orders(BTC) == spot.fetch_my_trades(BTC) == []
    assert accepted(control) == 1
    control.set_clock_offset(500)
    assert spot.fetch_order(order["id"], BTC, {"recvWindow": 10000})["status"] == "closed"
    assert len(spot.fetch_my_trades(BTC)) == 1


def test_order_when_cancelled_by_the_exchange_then_is_expired_and_unlocked(
    spot: Any, control: SandboxControl
) -> None:
    control.add_fault("cancelled_by_exchange", nth=1)
    order = spot.create_order(BTC, "limit", "buy", 0.01, 59000)
    assert (order["status"], order["filled"]) == ("expired", 0)
    assert spot.fetch_balance()["USDT"]["used"] == 0
    assert accepted(control) == 1


def test_partial_fill_when_scripted_then_fills_that_fraction(spot: Any, control: SandboxControl) -> None:
    control.add_fault("partial_fill", fraction="0.3", count=2)
    market = buy(spot)
    assert (market["status"], market["filled"]) == ("expired", 0.003)
    limit = spot.create_order(BTC, "limit", "buy", 0.01, 61000)
    assert (limit["status"], limit["filled"]) == ("open", 0.003)
    control.set_price("BTCUSDT", "59000")
    assert spot.fetch_order(limit["id"], BTC)["status"] == "closed"


def test_fault_when_limited_to_one_account_then_others_are_served(
    client: Any, spot: Any, control: SandboxControl
) -> None:
    bob = client(control.create_account("bob"))
    control.add_fault("close_before_accept", account="alice")
    with pytest.raises(ccxt.NetworkError):
        buy(spot)
    assert buy(bob)["status"] == "closed"
    assert control.counts() == {"alice": 0, "bob": 1}


def test_fault_when_on_the_nth_call_then_hits_only_that_one(spot: Any, control: SandboxControl) -> None:
    control.add_fault("http_before", nth=[2, 4])
    outcomes = []
    for number in range(5):
        try:
            buy(spot, f"order-{number}")
            outcomes.append(True)
        except ccxt.BaseError:
            outcomes.append(False)
    assert outcomes == [True, False, True, False, True]
    assert accepted(control) == 3


def test_fault_when_counted_per_account_then_hits_each_account_once(
    client: Any, spot: Any, control: SandboxControl
) -> None:
    bob = client(control.create_account("bob"))
    control.add_fault("accept_no_answer", nth=1, per_account=True)
    for exchange in (spot, bob):
        with pytest.raises(ccxt.NetworkError):
            buy(exchange)
        buy(exchange, "two")
    assert control.counts() == {"alice": 2, "bob": 2}


def test_fault_when_random_then_the_same_seed_hits_the_same_calls(spot: Any, control: SandboxControl) -> None:
    def run() -> list[bool]:
        control.reset()
        account = control.create_account("alice")
        spot.apiKey, spot.secret = account.api_key, account.secret
        control.add_fault("http_before", probability=0.5)
        hits = []
        for number in range(20):
            try:
                spot.create_order(BTC, "market", "buy", 0.001, params={"clientOrderId": f"n{number}"})
                hits.append(False)
            except ccxt.BaseError:
                hits.append(True)
        assert len(control.orders("alice")) == hits.count(False)
        return hits

    first = run()
    assert first == run()
    assert 3 < sum(first) < 17


@pytest.mark.parametrize(
    ("endpoint", "read"),
    [
        ("query", lambda e: e.fetch_order(None, BTC, {"clientOrderId": "one"})),
        ("openOrders", lambda e: e.fetch_open_orders(BTC)),
        ("allOrders", lambda e: e.fetch_orders(BTC)),
        ("myTrades", lambda e: e.fetch_my_trades(BTC)),
        ("account", lambda e: e.fetch_balance()),
        ("ticker", lambda e: e.fetch_ticker(BTC)),
        ("depth", lambda e: e.fetch_order_book(BTC)),
        ("exchangeInfo", lambda e: e.fetch_markets()),
        ("time", lambda e: e.fetch_time()),
    ],
)
def test_fault_when_on_a_read_endpoint_then_orders_still_work(
    spot: Any, control: SandboxControl, endpoint: str, read: Any
) -> None:
    control.add_fault("http_before", endpoint=endpoint, status=502, body="html")
    with pytest.raises(ccxt.ExchangeNotAvailable):
        read(spot)
    assert buy(spot)["status"] == "closed"
    control.clear_faults()
    read(spot)


def test_latency_when_set_then_requests_take_that_long(spot: Any, control: SandboxControl) -> None:
    control.set_latency(0.2, "order")
    started = spot.milliseconds()
    buy(spot)
    assert spot.milliseconds() - started >= 200
    started = spot.milliseconds()
    spot.fetch_ticker(BTC)
    assert spot.milliseconds() - started < 200


def test_fault_when_unknown_then_is_refused_with_the_list(control: SandboxControl) -> None:
    with pytest.raises(SandboxControlError, match="accept_no_answer"):
        control.add_fault("earthquake")
    with pytest.raises(SandboxControlError, match="openOrders"):
        control.add_fault("delay", endpoint="orders")
    assert control.faults() == []
