"""Reference prices, distances and bands."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.denials import Denial, DenialCode
from portal.trading.prices import adverse_bps, order_price, reference_price, spread_bps, worst_price
from portal.trading.types import Side
from tests.trading.factories import D, bounded, money, spot, ticker


def test_a_buy_meets_the_ask_and_a_sell_the_bid() -> None:
    assert reference_price(ticker(), Side.BUY) == D("100.1")
    assert reference_price(ticker(), Side.SELL) == D(100)


def test_the_last_price_stands_in_for_a_missing_side() -> None:
    assert reference_price(ticker(ask=None), Side.BUY) == D(100)
    assert reference_price(ticker(ask=None, last=None), Side.BUY) is None


@pytest.mark.parametrize(
    ("side", "price", "expected"),
    [
        (Side.BUY, "101", "100"),
        (Side.BUY, "99", "-100"),
        (Side.SELL, "99", "100"),
        (Side.SELL, "101", "-100"),
    ],
)
def test_a_worse_price_counts_positive(side: Side, price: str, expected: str) -> None:
    assert adverse_bps(side, D(100), D(price)) == D(expected)


def test_a_spread_counts_from_the_middle() -> None:
    assert spread_bps(D(99), D(101)) == 200


@pytest.mark.parametrize("price", ["19.99", "500.01"])
def test_a_price_far_from_the_market_is_denied(price: str) -> None:
    denial = order_price(spot(), D(price), Side.BUY, D(100))
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.PRICE_OUT_OF_BAND
    assert "from 20 to 500" in denial.message


@pytest.mark.parametrize("price", ["89.99", "110.01"])
def test_the_venues_own_limits_count(price: str) -> None:
    instrument = spot(min_price=D(90), max_price=D(110))
    assert isinstance(order_price(instrument, D(price), Side.BUY, D(100)), Denial)
    assert order_price(instrument, D(90), Side.BUY, D(100)) == 90


def test_a_price_below_one_tick_is_denied() -> None:
    assert isinstance(order_price(spot(tick_size=D(1)), D("0.5"), Side.BUY, D("0.6")), Denial)


@bounded
@given(money("0.01", "1000"), st.sampled_from(Side), st.sampled_from([D("0.01"), D("0.5"), D("0.3")]))
def test_an_order_price_is_on_the_tick_and_never_worse_for_the_owner(
    price: Decimal, side: Side, tick: Decimal
) -> None:
    found = order_price(spot(tick_size=tick), price, side, price)
    if isinstance(found, Denial):
        assert price < tick
        return
    assert found % tick == 0
    assert abs(found - price) < tick
    assert found <= price if side is Side.BUY else found >= price


@pytest.mark.parametrize(("side", "worst"), [(Side.BUY, "50505"), (Side.SELL, "49495")])
def test_worst_price_of_a_market_order_is_on_the_tick_and_not_beyond_the_slippage(
    side: Side, worst: str
) -> None:
    instrument = spot(tick_size=D(5))
    assert worst_price(Decimal(50_000), side, Decimal("101"), instrument) == Decimal(worst)
