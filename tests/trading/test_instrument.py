"""Grids: exact, and never on the wrong side."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.instrument import ceil_to, floor_to
from portal.trading.types import Side
from tests.trading.factories import D, bounded, inverse, linear, money, spot

STEPS = st.sampled_from([D("0.00000001"), D("0.01"), D("0.5"), D("0.3"), D(1), D("2.5"), D(10), D("1E-18")])


@bounded
@given(money("0", "999999999999999", places=18), STEPS)
def test_rounding_to_a_grid_agrees_with_fractions(value: Decimal, step: Decimal) -> None:
    steps = Fraction(value) / Fraction(step)
    assert Fraction(floor_to(value, step)) == floor(steps) * Fraction(step)
    assert Fraction(ceil_to(value, step)) == ceil(steps) * Fraction(step)


def test_a_number_just_below_the_grid_is_not_lifted_onto_it() -> None:
    # 33 digits: more than Decimal's usual 28, where the quotient would round up.
    value = D("999999999999999.999999999999999999")
    assert floor_to(value, D(1)) == D("999999999999999")


def test_a_price_is_never_rounded_to_the_owners_loss() -> None:
    assert spot().round_price(D("50000.019"), Side.BUY) == D("50000.01")
    assert spot().round_price(D("50000.011"), Side.SELL) == D("50000.02")


def test_a_notional_knows_linear_and_inverse_contracts() -> None:
    assert spot().notional(D(2), D(100)) == 200
    assert linear().notional(D(2), D(100)) == D("0.2")
    assert inverse().notional(D(2), D(100)) == 200


def test_what_pays_for_an_order_depends_on_the_market() -> None:
    assert (spot(settle="").cash_currency, linear().cash_currency, inverse().cash_currency) == (
        "USDT",
        "USDT",
        "BTC",
    )
    assert (spot().unit, linear().unit) == ("BTC", "contracts")


@pytest.mark.parametrize("name", ["tick_size", "lot_size", "contract_size"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_an_instrument_without_a_grid_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        spot(**{name: D(value)})
