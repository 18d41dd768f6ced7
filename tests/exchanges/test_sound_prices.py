"""Prices that are looked at twice: what happens when the second look itself fails."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portal.exchanges import sound_prices
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.trading.orders import Ticker
from portal.trading.price_sanity import Anchor, Doubt

SYMBOL = "BTC/USDT"


class Reader:
    """One price; the second look fails as told."""

    def __init__(self, *, permanent: bool) -> None:
        self._permanent = permanent

    def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return {each: Ticker(each, Decimal(100), Decimal(100), None, datetime.now(UTC)) for each in symbols}

    def second_look(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        raise ExchangeError(
            ErrorCode.UNAVAILABLE, "No answer.", outcome=Outcome.UNKNOWN, permanent=self._permanent
        )


def test_first_price_of_a_market_when_the_second_look_must_wait_is_not_judged() -> None:
    """An entry that finds no room in the budget is tried again, not denied."""
    with pytest.raises(ExchangeError):
        sound_prices.read(Reader(permanent=False), [SYMBOL], {}, proved=False)


def test_first_price_of_a_market_when_the_venue_has_no_other_routes_is_taken() -> None:
    found = sound_prices.read(Reader(permanent=True), [SYMBOL], {}, proved=False)
    assert found[SYMBOL].mark == 100


@pytest.mark.parametrize("permanent", [False, True])
def test_jump_when_the_second_look_fails_stays_doubted(permanent: bool) -> None:
    anchors = {SYMBOL: Anchor(Decimal(50), datetime.now(UTC))}
    found = sound_prices.read(Reader(permanent=permanent), [SYMBOL], anchors)
    assert found[SYMBOL].doubt is Doubt.OUTSIDE_BAND
    assert found[SYMBOL].mark is None
