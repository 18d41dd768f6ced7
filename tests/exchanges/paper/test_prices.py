"""A thousand paper accounts ask the venue for one price once."""

import threading
import time
from collections.abc import Mapping, Sequence

import pytest

from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.paper import prices
from portal.exchanges.paper.prices import SharedPrices
from portal.trading.orders import Ticker
from tests.exchanges.paper.markets import SPOT, SWAP, StillMarket


class CountingMarket(StillMarket):
    """Takes its time, counts, and fails when told to."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []
        self.failing = False

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        self.asked.append(list(symbols))
        time.sleep(0.05)
        if self.failing:
            raise ExchangeError(ErrorCode.TIMEOUT, "No answer.", outcome=Outcome.UNKNOWN)
        return super().tickers(symbols)


@pytest.fixture
def market() -> CountingMarket:
    prices.forget()
    return CountingMarket()


def shared(market: CountingMarket) -> SharedPrices:
    """What another account of the same market would hold."""
    return SharedPrices(market, ("still", None))


def test_prices_when_many_ask_at_once_are_read_once(market: CountingMarket) -> None:
    found: list[Mapping[str, Ticker]] = []
    threads = [
        threading.Thread(target=lambda: found.append(shared(market).read([SPOT.symbol]))) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert market.asked == [[SPOT.symbol]]
    assert [list(each) for each in found] == [[SPOT.symbol]] * 20


def test_prices_that_nobody_read_yet_are_the_only_ones_asked_for(market: CountingMarket) -> None:
    shared(market).read([SPOT.symbol])
    assert set(shared(market).read([SPOT.symbol, SWAP.symbol, "NONE/SUCH"])) == {SPOT.symbol, SWAP.symbol}
    assert market.asked == [[SPOT.symbol], [SWAP.symbol, "NONE/SUCH"]]


def test_prices_that_are_old_are_read_again(market: CountingMarket, monkeypatch: pytest.MonkeyPatch) -> None:
    shared(market).read([SPOT.symbol])
    monkeypatch.setattr(prices, "FRESH_SECONDS", 0.0)
    shared(market).read([SPOT.symbol])
    assert len(market.asked) == 2


def test_prices_that_could_not_be_read_are_not_asked_for_by_everybody_in_turn(
    market: CountingMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.failing = True
    for _ in range(5):
        with pytest.raises(ExchangeError):
            shared(market).read([SPOT.symbol])
    assert len(market.asked) == 1
    market.failing = False
    monkeypatch.setattr(prices, "FRESH_SECONDS", 0.0)
    assert set(shared(market).read([SPOT.symbol])) == {SPOT.symbol}
