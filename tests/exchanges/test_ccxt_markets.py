"""One market table per venue and process: loaded once, shared by all, renewed rarely, never half-seen."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from portal.exchanges.base import Credentials
from portal.exchanges.ccxt_adapter import CcxtExchange
from portal.exchanges.ccxt_markets import MAX_AGE_SECONDS, MIN_AGE_SECONDS, VenueMarkets
from portal.exchanges.errors import ExchangeError
from portal.exchanges.sandbox.server import SandboxServer
from portal.exchanges.venues_table import venue as venue_of
from portal.trading.types import OrderType
from tests.exchanges.captured import made_up_request
from tests.helpers import eventually


@pytest.fixture
def own_venue() -> Iterator[SandboxServer]:
    """A sandbox exchange of this test's own, so that its address has no table yet."""
    with SandboxServer(seed=3) as server:
        yield server


def loads(server: SandboxServer) -> int:
    return int(server.control.requests()["by_endpoint"].get("exchangeInfo", 0))


def opened(server: SandboxServer, account: Any = None) -> CcxtExchange:
    account = account or server.control.create_account()
    return CcxtExchange("sandbox", Credentials(account.credentials), base_url=server.url, timeout_seconds=2.0)


def test_many_accounts_and_threads_load_the_markets_once(own_venue: SandboxServer) -> None:
    accounts = own_venue.control.create_accounts(12)
    exchanges = [opened(own_venue, account) for account in accounts]
    own_venue.control.set_latency(0.1, "exchangeInfo")
    tables: list[Any] = []
    threads = [
        threading.Thread(target=lambda found=exchange: tables.append(found.instruments()))
        for exchange in exchanges
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads(own_venue) == 1
    assert len(tables) == 12
    assert len({id(table) for table in tables}) == 1
    markets = {id(exchange.session.client.markets) for exchange in exchanges}
    assert len(markets) == 1


def test_opening_an_account_uses_no_network(own_venue: SandboxServer) -> None:
    account = own_venue.control.create_account()
    own_venue.control.reset_requests()
    opened(own_venue, account)
    assert own_venue.control.requests()["total"] == 0


def test_a_venue_that_does_not_answer_raises_and_is_asked_again_next_time(own_venue: SandboxServer) -> None:
    exchange = opened(own_venue)
    own_venue.control.add_fault("http_before", "exchangeInfo", status=503, count=1)
    with pytest.raises(ExchangeError):
        exchange.instruments()
    assert "BTC/USDT" in exchange.instruments()


def test_a_stale_table_is_renewed_at_most_once_a_minute(own_venue: SandboxServer) -> None:
    markets = VenueMarkets(venue_of("sandbox"), own_venue.url, 2.0)
    markets.ensure_loaded(renew=True)
    markets.mark_stale()
    markets.ensure_loaded(renew=True)
    assert loads(own_venue) == 1
    markets._loaded_at -= MIN_AGE_SECONDS + 1
    markets.ensure_loaded(renew=True)
    markets.mark_stale()
    markets.ensure_loaded(renew=True)
    assert loads(own_venue) == 2


def test_when_a_renewal_fails_the_old_table_serves_on(own_venue: SandboxServer) -> None:
    markets = VenueMarkets(venue_of("sandbox"), own_venue.url, 2.0)
    markets.ensure_loaded(renew=True)
    before = markets.instruments()
    markets._loaded_at -= MAX_AGE_SECONDS + 1
    own_venue.control.add_fault("http_before", "exchangeInfo", status=503, count=5)
    for _ in range(2):
        markets.ensure_loaded(renew=True)
        assert markets.instruments() is before
    assert loads(own_venue) == 2


def test_a_renewed_table_reaches_clients_that_were_opened_before(own_venue: SandboxServer) -> None:
    exchange = opened(own_venue)
    before = exchange.instruments()
    exchange.session.markets._loaded_at -= MAX_AGE_SECONDS + 1
    after = exchange.instruments()
    assert after is not before
    assert exchange.session.client.markets is exchange.session.markets.template.markets


def test_an_old_table_is_never_renewed_while_an_order_is_on_its_way(own_venue: SandboxServer) -> None:
    exchange = opened(own_venue)
    lot = exchange.instruments()["BTC/USDT"].lot_size
    exchange.session.markets._loaded_at -= MAX_AGE_SECONDS + 1
    exchange.place_order(made_up_request(quantity=lot * 100, order_type=OrderType.MARKET, price=None))
    assert loads(own_venue) == 1
    exchange.instruments()
    assert loads(own_venue) == 2


def test_the_clock_is_read_once_for_all_accounts(own_venue: SandboxServer) -> None:
    own_venue.control.set_clock_offset(3_000)
    first, second = opened(own_venue), opened(own_venue)
    first.open_orders("BTC/USDT")
    second.open_orders("BTC/USDT")
    assert own_venue.control.requests()["by_endpoint"]["time"] == 1
    assert abs(first.session.markets.clock_offset_ms() + 3_000) < 500


def test_a_clock_that_is_doubted_while_it_is_read_is_read_again(own_venue: SandboxServer) -> None:
    """The reading began before the venue's clock jumped; the refusal came meanwhile."""
    markets = VenueMarkets(venue_of("sandbox"), own_venue.url, 5.0)
    own_venue.control.set_latency(0.3, "time")
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(markets.clock_offset_ms)
        eventually(markets._clock_lock.locked)
        time.sleep(0.2)  # the venue has read its clock, and its answer is on the way
        own_venue.control.set_clock_offset(30_000)
        markets.distrust_clock()
        others = [pool.submit(markets.clock_offset_ms) for _ in range(3)]
        found = [first.result(), *(each.result() for each in others)]
    assert all(abs(each + 30_000) < 1_000 for each in found)
    assert own_venue.control.requests()["by_endpoint"]["time"] == 2


def test_a_clock_that_could_not_be_read_keeps_its_offset_and_is_read_again_in_a_minute(
    own_venue: SandboxServer,
) -> None:
    markets = VenueMarkets(venue_of("sandbox"), own_venue.url, 2.0)
    own_venue.control.set_clock_offset(3_000)
    assert abs(markets.clock_offset_ms() + 3_000) < 500
    own_venue.control.add_fault("http_before", "time", status=503)
    markets.distrust_clock()
    assert abs(markets.clock_offset_ms() + 3_000) < 500
    own_venue.control.clear_faults()
    own_venue.control.set_clock_offset(9_000)
    asked = own_venue.control.requests()["by_endpoint"]["time"]
    markets.clock_offset_ms()
    assert own_venue.control.requests()["by_endpoint"]["time"] == asked
    markets._clock_read_at -= MIN_AGE_SECONDS + 1
    assert abs(markets.clock_offset_ms() + 9_000) < 500


def test_many_threads_read_a_new_clock_once(own_venue: SandboxServer) -> None:
    markets = VenueMarkets(venue_of("sandbox"), own_venue.url, 5.0)
    own_venue.control.set_latency(0.1, "time")
    own_venue.control.set_clock_offset(3_000)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: markets.clock_offset_ms(), range(64)))
    assert all(abs(each + 3_000) < 500 for each in found), "nobody goes on without it"
    assert own_venue.control.requests()["by_endpoint"]["time"] == 1


def test_a_refused_order_makes_the_market_rules_be_read_again(own_venue: SandboxServer) -> None:
    exchange = opened(own_venue)
    exchange.instruments()
    exchange.session.markets._loaded_at -= MIN_AGE_SECONDS + 1
    with pytest.raises(ExchangeError):
        exchange.place_order(made_up_request(quantity=exchange.instruments()["BTC/USDT"].lot_size))
    exchange.instruments()
    assert loads(own_venue) == 2
