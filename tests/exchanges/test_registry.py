"""Exchanges are opened by name, late, and never by accident at a real venue."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from portal.exchanges.base import Credentials
from portal.exchanges.catalog import OWN_EXCHANGES, known_exchanges
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.paper.adapter import PaperExchange
from portal.exchanges.paper.ledger import OpenLedger
from portal.exchanges.registry import ExchangeSpec, one_at_a_time, open_exchange
from portal.exchanges.venues_table import venue as venue_of
from portal.trading.types import ConnectionMode


class NoLedger:
    """A ledger that nobody asks."""

    def locked(self, opening: Mapping[str, Decimal]) -> AbstractContextManager[OpenLedger]:
        raise AssertionError("nothing is asked while an exchange is opened")

    def live_symbols(self) -> Sequence[str]:
        raise AssertionError("nothing is asked while an exchange is opened")


def spec(name: str, mode: ConnectionMode = ConnectionMode.LIVE, **changes: Any) -> ExchangeSpec:
    return ExchangeSpec(
        exchange_name=name, mode=mode, credentials=Credentials({"apiKey": "k", "secret": "s"}), **changes
    )


def refusal(wanted: ExchangeSpec) -> ExchangeError:
    with pytest.raises(ExchangeError) as caught:
        open_exchange(wanted)
    assert (caught.value.code, caught.value.outcome) == (ErrorCode.UNSUPPORTED, Outcome.NOT_PLACED)
    assert caught.value.permanent
    return caught.value


def test_the_catalog_names_every_exchange_of_ccxt_and_ours() -> None:
    assert known_exchanges() == frozenset(ccxt.exchanges) | OWN_EXCHANGES


def test_the_catalog_and_the_venue_table_do_not_import_ccxt() -> None:
    code = (
        "import sys, portal.exchanges.catalog as c, portal.exchanges.registry, portal.exchanges.pool;"
        "assert len(c.known_exchanges()) > 100; assert 'ccxt' not in sys.modules, 'ccxt was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_exchange_is_refused_with_what_to_do() -> None:
    message = refusal(spec("bitmart")).message
    assert "bitmart" in message
    assert "Nothing was sent" in message
    assert "Choose another exchange" in message


#: exchange, settings, what reaches the library.
OPTIONS: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("bitvavo", {"operatorId": "12345"}, {"operatorId": 12345}),
    ("bitvavo", {"accountId": "main", "paper_fee": 1}, {}),
    ("cex", {"accountId": "trading 1"}, {"accountId": "trading 1"}),
    (
        "derive",
        {"subaccount_id": 7, "max_fee": "1e2", "deriveWalletAddress": "0x" + "aB" * 20},
        {"subaccount_id": 7, "max_fee": "100", "deriveWalletAddress": "0x" + "aB" * 20},
    ),
    (
        "binance",
        {"defaultType": "swap", "portfolioMargin": True},
        {"defaultType": "swap", "portfolioMargin": True},
    ),
    (
        "binance",
        {"operatorId": 1, "hostname": "evil.example", "verify": False, "proxyUrl": "x", "urls": {}},
        {},
    ),
]


@pytest.mark.parametrize(("name", "settings", "expected"), OPTIONS)
def test_of_the_settings_exactly_the_allowed_choices_reach_the_library(
    name: str, settings: dict[str, object], expected: dict[str, object]
) -> None:
    opened: Any = open_exchange(spec(name, settings=settings))
    bare: Any = open_exchange(spec(name))
    given, usual = opened.session.client.options, bare.session.client.options
    assert {key: given[key] for key in given if given[key] != usual.get(key)} == {
        key: value for key, value in expected.items() if usual.get(key) != value
    }
    assert opened.session.client.urls == bare.session.client.urls


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("bitvavo", {"operatorId": "12a"}),
        ("bitvavo", {"operatorId": True}),
        ("bitvavo", {"operatorId": -1}),
        ("cex", {"accountId": "<script>"}),
        ("derive", {"max_fee": "0"}),
        ("derive", {"max_fee": "NaN"}),
        ("derive", {"deriveWalletAddress": "0x12"}),
        ("binance", {"defaultType": ["swap"]}),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused_and_nothing_is_opened(
    name: str, settings: dict[str, object]
) -> None:
    message = refusal(spec(name, settings=settings)).message
    assert next(iter(settings)) in message
    assert "Nothing was sent" in message


@pytest.mark.parametrize("name", ["bybiteu", "bybitid"])
def test_regional_bybit_shares_what_is_known_of_bybit(name: str) -> None:
    same = replace(venue_of("bybit"), ccxt_id=name, title=venue_of(name).title)
    assert venue_of(name) == same


@pytest.mark.parametrize("name", sorted(OWN_EXCHANGES))
@pytest.mark.parametrize("mode", list(ConnectionMode))
def test_a_sandbox_without_an_address_is_refused_so_that_it_never_reaches_the_real_venue(
    name: str, mode: ConnectionMode
) -> None:
    assert "PORTAL_EXCHANGE_URLS" in refusal(spec(name, mode)).message


def test_a_paper_connection_is_given_no_adapter_that_could_send_an_order() -> None:
    opened = open_exchange(
        spec("binance", ConnectionMode.PAPER, base_url="http://127.0.0.1:9", ledger=NoLedger())
    )
    assert type(opened) is PaperExchange
    assert "binance" in refusal(spec("binance", ConnectionMode.PAPER)).message


def test_paper_settings_that_cannot_be_used_are_refused() -> None:
    wrong = spec("binance", ConnectionMode.PAPER, settings={"paper_latency_ms": -1}, ledger=NoLedger())
    assert "paper_latency_ms" in refusal(wrong).message


def test_a_paper_connection_whose_prices_come_from_an_unknown_exchange_is_refused() -> None:
    wrong = spec("binance", ConnectionMode.PAPER, market_name="bitmart", ledger=NoLedger())
    assert "bitmart" in refusal(wrong).message


def test_only_harmless_settings_reach_the_library() -> None:
    opened: Any = open_exchange(
        spec(
            "binance",
            base_url="http://127.0.0.1:9",
            settings={
                "defaultType": "swap",
                "recvWindow": 60000,
                "sandbox": True,
                "urls": {"api": "http://203.0.113.1"},
                "maxRetriesOnFailure": 3,
            },
        )
    )
    client = opened.session.client
    assert client.options["defaultType"] == "swap"
    assert client.options["recvWindow"] != 60000
    assert client.options["maxRetriesOnFailure"] == 0
    assert "203.0.113.1" not in str(client.urls)


def test_venues_whose_nonces_must_rise_are_used_by_one_thread_at_a_time() -> None:
    assert one_at_a_time("kraken")
    assert not one_at_a_time("binance")
