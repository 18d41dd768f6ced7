"""What must hold for every exchange that ccxt has, tried offline: where requests go, what silence means,
what leaks.
"""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import ccxt
import pytest

from portal.exchanges.ccxt_client import build_template
from portal.exchanges.errors import ExchangeError, Outcome
from portal.exchanges.venues import MarketBuy
from portal.exchanges.venues_table import listed_venues, venue
from tests.exchanges.captured import BASE_URL, CREDENTIALS, captured_exchange, made_up_request

EXCHANGES = sorted(ccxt.exchanges)
#: Tables of ccxt's that hold addresses for people.
PAGES = {"logo", "www", "doc", "fees", "referral", "api_management"}


def order_attempts(name: str) -> list[tuple[Any, ExchangeError]]:
    """One limit order per kind of market, into silence: the wire and what the adapter made of it."""
    attempts = []
    for swap in (False, True):
        exchange, wire = captured_exchange(name, swap=swap)
        if not exchange.session.client.has.get("swap" if swap else "spot"):
            continue
        for symbol in exchange.instruments():
            with pytest.raises(ExchangeError) as caught:
                exchange.place_order(made_up_request(symbol))
            attempts.append((wire, caught.value))
    return attempts


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_url_override_leaves_no_original_host(name: str) -> None:
    template = build_template(venue(name), "http://127.0.0.1:9000")
    callable_urls = {key: value for key, value in template.urls.items() if key not in PAGES}
    found = re.findall(r"\w+://[^/\"]+", json.dumps(callable_urls))
    assert set(found) <= {"http://127.0.0.1:9000"}


def test_an_url_override_keeps_the_paths() -> None:
    original = ccxt.binance().urls["api"]
    overridden = build_template(venue("binance"), "http://127.0.0.1:9000").urls["api"]
    assert {key: urlsplit(url).path for key, url in overridden.items()} == {
        key: urlsplit(url).path for key, url in original.items()
    }
    assert ccxt.binance().urls["api"] == original


@pytest.mark.parametrize("name", EXCHANGES)
def test_silence_after_anything_was_sent_is_unknown_and_nothing_goes_elsewhere(name: str) -> None:
    for wire, error in order_attempts(name):
        assert {urlsplit(sent.url).netloc for sent in wire.sent} <= {urlsplit(BASE_URL).netloc}
        prepared = venue(name).preparation
        orders = [sent for sent in wire.sent if not any(part in sent.url for part in prepared)]
        expected = Outcome.UNKNOWN if orders else Outcome.NOT_PLACED
        assert error.outcome is expected, (name, error)


@pytest.mark.parametrize("name", EXCHANGES)
def test_s23_no_error_shows_a_secret_or_a_signature(name: str) -> None:
    secrets = [CREDENTIALS[key] for key in ("apiKey", "secret", "password", "privateKey", "token")]
    for wire, error in order_attempts(name):
        shown = f"{error} {error!r} {error.message} {error.venue_code}"
        signatures = re.findall(r"(?i)signature[=\": ]+(\w{16,})", " ".join(sent.text for sent in wire.sent))
        assert not [text for text in [*secrets, *signatures] if text in shown]


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_unlisted_venue_promises_only_what_is_safe(name: str) -> None:
    exchange, _ = captured_exchange(name)
    capabilities = exchange.capabilities
    assert capabilities.market_types
    if name not in listed_venues():
        assert capabilities.identity == "C"
        assert not capabilities.request_window
        assert not capabilities.query_by_client_order_id
        assert not capabilities.hedge_mode


def test_every_venue_where_ccxt_turns_a_market_buy_into_a_cost_is_known_to_us() -> None:
    wants_price = {
        name
        for name in EXCHANGES
        if _ccxt_wants_price(getattr(ccxt, name)()) and venue(name).market_buy is not MarketBuy.BY_QUANTITY
    }
    silent = {
        name for name in wants_price if not captured_exchange(name)[0].capabilities.market_buy_needs_price
    }
    assert wants_price
    assert not silent


def _ccxt_wants_price(client: Any) -> bool:
    name = "createMarketBuyOrderRequiresPrice"
    inner = client.options.get("createOrder")
    return bool(client.options.get(name) or (isinstance(inner, dict) and inner.get(name)))


def test_venues_named_as_listed_exist_in_ccxt() -> None:
    assert {venue(name).ccxt_id for name in listed_venues()} <= set(EXCHANGES)
