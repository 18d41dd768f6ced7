"""What is read for everybody is counted, too: market tables, clocks and public prices. The exchange's own
count of requests is the judge."""

from dataclasses import replace

import pytest
from flask import Flask

from portal.exchanges.budgets import BUDGETS, Call
from portal.exchanges.ccxt_markets import _REGISTRY
from portal.services import venues
from tests.services.desk import Desk

TABLE, PRICES = 17, 3


@pytest.fixture(autouse=True)
def prices_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = {**BUDGETS["sandbox"].weights, Call.INSTRUMENTS: TABLE, Call.TICKERS: PRICES}
    monkeypatch.setitem(BUDGETS, "sandbox", replace(BUDGETS["sandbox"], weights=weights))


def spent(app: Flask) -> int:
    redis = app.extensions["portal_redis"]
    return sum(int(value) for value in redis.hgetall("portal:traffic:window:venue:sandbox@default").values())


def read(desk: Desk) -> dict[str, int]:
    """What reached the exchange for one public read of prices."""
    desk.sandbox.reset_requests()
    with venues.public_exchange("sandbox") as exchange:
        exchange.instruments()
        exchange.tickers(["BTC/USDT"])
    return dict(desk.sandbox.requests()["by_endpoint"])


def test_public_prices_are_counted_and_a_table_that_is_known_costs_nothing(app: Flask, desk: Desk) -> None:
    read(desk)
    before = spent(app)
    assert read(desk) == {"ticker": 1}
    assert spent(app) - before == PRICES


def test_table_and_clock_that_are_read_again_are_counted_for_everybody(app: Flask, desk: Desk) -> None:
    read(desk)
    markets = _REGISTRY._known["sandbox", desk.sandbox.url]
    markets._loaded_at = float("-inf")
    markets.distrust_clock()
    before = spent(app)
    assert read(desk) == {"ticker": 1, "exchangeInfo": 1, "time": 1}
    assert spent(app) - before == TABLE + PRICES + 1


def test_table_that_could_not_be_read_is_counted_all_the_same(app: Flask, desk: Desk) -> None:
    read(desk)
    _REGISTRY._known["sandbox", desk.sandbox.url]._loaded_at = float("-inf")
    desk.sandbox.add_fault("http_before", "exchangeInfo", status=503, count=1)
    before = spent(app)
    read(desk)
    assert spent(app) - before == TABLE + PRICES
