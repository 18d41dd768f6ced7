"""Nightly figures: known examples by hand, and fractions for the rest."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.statistics import (
    ClosedTrade,
    daily_returns,
    max_drawdown,
    percentiles,
    sharpe,
    sortino,
    summarize,
)
from tests.trading.factories import D, bounded, money

PRECISE = Fraction(1, 10**11)


def decimals(*values: str) -> list[Decimal]:
    return [D(value) for value in values]


def test_a_night_without_trades_has_no_made_up_figures() -> None:
    found = summarize([])
    assert (found.trades, found.net_pnl, found.fees) == (0, 0, 0)
    assert found.latency_ms == {}
    undefined = (found.win_rate, found.profit_factor, found.expectancy, found.average_win, found.average_loss)
    assert set(undefined + (found.slippage_bps, found.sharpe, found.sortino, found.max_drawdown)) == {None}


def test_trades_are_counted_and_averaged() -> None:
    pnls = ("10", "30", "-10", "0")
    found = summarize([ClosedTrade(D(pnl), fees=D("0.5"), slippage_bps=D(3)) for pnl in pnls])
    assert (found.trades, found.wins, found.losses, found.win_rate) == (4, 2, 1, D("0.5"))
    assert (found.gross_profit, found.gross_loss, found.net_pnl) == (40, 10, 30)
    assert (found.profit_factor, found.expectancy) == (4, D("7.5"))
    assert (found.average_win, found.average_loss) == (20, 10)
    assert (found.fees, found.slippage_bps) == (2, 3)


def test_without_a_loss_there_is_no_profit_factor() -> None:
    assert summarize([ClosedTrade(D(1))]).profit_factor is None


def test_slippage_counts_only_where_it_is_known() -> None:
    trades = [ClosedTrade(D(1), slippage_bps=D(4)), ClosedTrade(D(1)), ClosedTrade(D(1), slippage_bps=D(-1))]
    assert summarize(trades).slippage_bps == D("1.5")


def test_sharpe_is_the_mean_by_the_sample_deviation_made_yearly() -> None:
    # mean 0.01, sample deviation 0.02: a half, times the root of the periods
    returns = decimals("0.03", "-0.01", "0.01")
    assert sharpe(returns, periods=4) == 1


def test_sortino_counts_losses_only_but_divides_by_all_returns() -> None:
    # mean 0.01; squared losses 0.0004 over 4 returns: 0.01
    returns = decimals("0.02", "0.02", "0.02", "-0.02")
    assert sortino(returns, periods=4) == 2


@pytest.mark.parametrize("returns", [[], decimals("0.1"), decimals("0.1", "0.1")])
def test_ratios_of_too_few_or_equal_returns_are_not_defined(returns: list[Decimal]) -> None:
    assert sharpe(returns) is None
    assert sortino(returns) is None


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        ("100 120 90 130 100", "0.25"),
        ("100 110 120", "0"),
        ("100 0", "1"),
        ("100 -50", "1.5"),
    ],
)
def test_a_drawdown_counts_from_the_highest_point_before_it(equity: str, expected: str) -> None:
    assert max_drawdown(decimals(*equity.split())) == D(expected)


def test_a_day_that_began_with_nothing_has_no_return() -> None:
    assert daily_returns(decimals("100", "0", "50", "55")) == [D(-1), D("0.1")]


def test_percentiles_are_of_the_nearest_rank() -> None:
    values = [D(value) for value in range(1, 101)]
    assert percentiles(reversed(values)) == {50: 50, 90: 90, 99: 99}
    assert percentiles(decimals("7")) == {50: 7, 90: 7, 99: 7}
    assert percentiles(decimals("15", "20", "35", "40", "50"), (5, 30, 40, 50, 100)) == {
        5: 15,
        30: 20,
        40: 20,
        50: 35,
        100: 50,
    }


@bounded
@given(st.lists(money("-1000", "1000"), max_size=20), st.permutations(range(20)))
def test_figures_agree_with_fractions_and_do_not_depend_on_order(
    pnls: list[Decimal], places: list[int]
) -> None:
    found = summarize([ClosedTrade(pnl) for pnl in pnls])
    shuffled = [pnls[place] for place in places if place < len(pnls)]
    assert summarize([ClosedTrade(pnl) for pnl in shuffled]) == found
    exact = [Fraction(pnl) for pnl in pnls]
    assert Fraction(found.net_pnl) == sum(exact)
    assert found.wins + found.losses + exact.count(Fraction(0)) == found.trades == len(pnls)
    if exact:
        assert found.expectancy is not None
        assert abs(Fraction(found.expectancy) - sum(exact) / len(exact)) <= PRECISE
    if found.losses:
        assert found.profit_factor is not None
        expected = sum(pnl for pnl in exact if pnl > 0) / -sum(pnl for pnl in exact if pnl < 0)
        assert abs(Fraction(found.profit_factor) - expected) <= PRECISE


@bounded
@given(st.lists(money("0.01", "100000", places=2), min_size=1, max_size=30))
def test_a_drawdown_agrees_with_every_pair_of_days(equity: list[Decimal]) -> None:
    exact = [Fraction(value) for value in equity]
    expected = max((exact[peak] - low) / exact[peak] for peak in range(len(exact)) for low in exact[peak:])
    found = max_drawdown(equity)
    assert found is not None
    assert abs(Fraction(found) - expected) <= PRECISE
