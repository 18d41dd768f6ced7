"""Account clients are light copies: they share tables, never credentials, options or state."""

import gc
import tracemalloc
from typing import Any

import pytest

from portal.exchanges.base import Credentials
from portal.exchanges.ccxt_adapter import CcxtExchange
from portal.exchanges.ccxt_client import build_template, copy_client
from portal.exchanges.venues_table import venue

URL = "http://127.0.0.1:9"


def copies(name: str = "binance") -> tuple[Any, Any, Any]:
    template = build_template(venue(name), URL)
    first = copy_client(template, Credentials({"apiKey": "first", "secret": "one"}), {}, 1.0)
    second = copy_client(
        template, Credentials({"apiKey": "second", "secret": "two"}), {"defaultType": "swap"}, 2.0
    )
    return template, first, second


def test_two_accounts_share_tables_and_nothing_that_is_theirs() -> None:
    template, first, second = copies()
    assert first.api is second.api is template.api
    assert first.has is second.has
    assert (first.apiKey, second.apiKey, bool(template.apiKey)) == ("first", "second", False)
    assert first.options is not second.options
    assert first.options["networks"] is not template.options["networks"]
    assert (first.timeout, second.timeout) == (1000, 2000)
    assert first.session is not second.session
    assert "defaultType" not in template.options or template.options["defaultType"] != "swap"


def test_a_copy_signs_with_its_own_key() -> None:
    _, first, second = copies()
    signed = [client.sign("order", ["private"], "POST", {"a": "1"}) for client in (first, second)]
    assert [request["headers"]["X-MBX-APIKEY"] for request in signed] == ["first", "second"]


@pytest.mark.parametrize(
    "name", ["binance", "bybit", "okx", "kraken", "kucoin", "coinbase", "gate", "hyperliquid"]
)
def test_nothing_in_a_copy_is_bound_to_the_template(name: str) -> None:
    template, first, _ = copies(name)
    bound = [key for key, value in vars(first).items() if getattr(value, "__self__", None) is template]
    assert not bound


def test_an_idle_connection_costs_far_less_than_a_third_of_a_megabyte() -> None:
    opened = [CcxtExchange("binance", Credentials({"apiKey": "k", "secret": "s"}), base_url=URL)]
    gc.collect()
    tracemalloc.start()
    opened += [
        CcxtExchange("binance", Credentials({"apiKey": f"k{number}", "secret": "s"}), base_url=URL)
        for number in range(50)
    ]
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / 50 < 60_000


def test_nothing_of_a_request_is_logged_by_the_library(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    _, first, _ = copies()
    first.urls = {**first.urls, "api": {**first.urls["api"], "private": "http://127.0.0.1:9/api/v3"}}
    with pytest.raises(Exception, match="binance"):
        first.privateGetAccount()
    assert "first" not in caplog.text
    assert "signature" not in caplog.text


def test_the_network_is_never_asked_to_retry_and_tls_is_always_verified() -> None:
    _, first, _ = copies()
    assert first.options["maxRetriesOnFailure"] == 0
    assert first.maxRetriesOnFailure == 0
    assert first.verbose is False
    assert first.enableRateLimit is False
    assert first.number is str


def test_closing_drops_the_credentials() -> None:
    exchange = CcxtExchange("binance", Credentials({"apiKey": "kkkk", "secret": "ssss"}), base_url=URL)
    exchange.close()
    assert not exchange.session.client.apiKey
    assert not exchange.session.client.secret
    assert "ssss" not in repr(vars(exchange.session.client))
