"""Stops and targets derived at the entry price."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.denials import Denial, DenialCode
from portal.trading.direction import Leg
from portal.trading.exits import ExitPlan, Target, derive_exits, split_evenly
from portal.trading.types import PositionSide, Side
from tests.trading.factories import D, bounded, money, rules, spot, terms

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def derive(
    preset: dict[str, Any], side: PositionSide = LONG, entry: str | Decimal = "100", **signal: Any
) -> ExitPlan | Denial:
    leg = Leg(side.entry_side, side, reduce_only=False)
    return derive_exits(rules(**preset), terms(side.entry_side, **signal), leg, D(entry), spot())


def code(result: ExitPlan | Denial) -> DenialCode:
    assert isinstance(result, Denial)
    return result.code


def test_without_a_preset_the_signals_stop_and_targets_are_taken_in_equal_parts() -> None:
    plan = derive({}, sl=D(95), tps=(D(110), D(105), D(120)))
    assert plan == ExitPlan(
        D(95),
        (Target(D(105), D("0.3333")), Target(D(110), D("0.3333")), Target(D(120), D("0.3334"))),
    )


def test_a_signal_without_exits_gives_none() -> None:
    assert derive({}) == ExitPlan(None, ())


def test_mode_none_ignores_the_signals_stop() -> None:
    assert derive({"stop_loss_mode": "none"}, sl=D(95)) == ExitPlan(None, ())


@pytest.mark.parametrize(("side", "sl", "tp"), [(LONG, "98", "103"), (SHORT, "102", "97")])
def test_percents_count_from_the_entry(side: PositionSide, sl: str, tp: str) -> None:
    preset = {
        "stop_loss_mode": "percent",
        "stop_loss_value": "2",
        "take_profits": [{"mode": "percent", "value": "3"}],
    }
    assert derive(preset, side) == ExitPlan(D(sl), (Target(D(tp), D(1)),))


@pytest.mark.parametrize(("side", "sl", "tp"), [(LONG, "96", "106"), (SHORT, "104", "94")])
def test_r_multiples_count_in_distances_to_the_stop(side: PositionSide, sl: str, tp: str) -> None:
    preset = {"take_profits": [{"mode": "r_multiple", "value": "1.5", "close_fraction": "0.5"}]}
    assert derive(preset, side, sl=D(sl)) == ExitPlan(D(sl), (Target(D(tp), D("0.5")),))


def test_signal_rules_take_the_signals_targets_nearest_first_and_leave_out_what_is_missing() -> None:
    preset = {
        "take_profits": [
            {"mode": "signal", "close_fraction": "0.5"},
            {"mode": "signal", "close_fraction": "0.3"},
            {"mode": "signal", "close_fraction": "0.2"},
        ]
    }
    plan = derive(preset, SHORT, tps=(D(80), D(90)))
    assert plan == ExitPlan(None, (Target(D(90), D("0.5")), Target(D(80), D("0.3"))))


def test_prices_are_rounded_to_the_owners_good() -> None:
    plan = derive({}, sl=D("95.001"), tps=(D("104.999"),))
    assert plan == ExitPlan(D("95.01"), (Target(D("105"), D(1)),))


@pytest.mark.parametrize(
    ("side", "sl"), [(LONG, "100"), (LONG, "101"), (SHORT, "100"), (SHORT, "99"), (LONG, "99.995")]
)
def test_a_stop_that_would_act_at_once_is_denied(side: PositionSide, sl: str) -> None:
    assert code(derive({}, side, sl=D(sl))) is DenialCode.STOP_LOSS_WRONG_SIDE


@pytest.mark.parametrize(("side", "tp"), [(LONG, "100"), (LONG, "99"), (SHORT, "100"), (SHORT, "101")])
def test_a_target_that_would_act_at_once_is_denied(side: PositionSide, tp: str) -> None:
    assert code(derive({}, side, tps=(D(tp),))) is DenialCode.TAKE_PROFIT_WRONG_SIDE


def test_a_target_below_zero_is_denied() -> None:
    preset = {"take_profits": [{"mode": "percent", "value": "100"}]}
    assert code(derive(preset, SHORT)) is DenialCode.TAKE_PROFIT_WRONG_SIDE


@pytest.mark.parametrize(
    "preset",
    [
        {"sizing_mode": "risk_percent", "sizing_value": "1"},
        {"break_even_at_r": "1"},
        {"take_profits": [{"mode": "r_multiple", "value": "2"}]},
    ],
)
def test_a_preset_that_counts_in_risk_needs_a_stop(preset: dict[str, Any]) -> None:
    assert code(derive(preset)) is DenialCode.STOP_LOSS_REQUIRED
    assert isinstance(derive(preset, sl=D(95)), ExitPlan)


def test_a_spot_sell_of_holdings_has_no_exits() -> None:
    leg = Leg(Side.SELL, LONG, reduce_only=False)
    assert derive_exits(rules(), terms(Side.SELL, sl=D(110), tps=(D(90),)), leg, D(100), spot()) == ExitPlan(
        None, ()
    )


@bounded
@given(st.lists(money("1", "100"), min_size=1, max_size=3).map(tuple))
def test_an_even_split_closes_exactly_everything(prices: tuple[Decimal, ...]) -> None:
    targets = split_evenly(prices)
    assert sum(target.close_fraction for target in targets) == 1
    assert len({target.close_fraction for target in targets[:-1]}) <= 1
    assert [target.price for target in targets] == list(prices)


@bounded
@given(
    st.sampled_from(PositionSide),
    money("1", "100000", places=4),
    st.none() | money("0.01", "200000", places=4),
    st.lists(money("0.01", "200000", places=4), max_size=3).map(tuple),
)
def test_a_plan_has_every_price_on_its_own_side_of_the_entry(
    side: PositionSide, entry: Decimal, sl: Decimal | None, tps: tuple[Decimal, ...]
) -> None:
    plan = derive({}, side, entry, sl=sl, tps=tps)
    good_stop = sl is None or (sl < entry if side is LONG else sl > entry)
    good_targets = all(tp > entry if side is LONG else tp < entry for tp in tps)
    if isinstance(plan, Denial):
        # Only rounding to the tick may deny what looked right, and then by less than one tick.
        if good_stop and good_targets:
            assert min(abs(price - entry) for price in (*tps, *([] if sl is None else [sl]))) < D("0.01")
        return
    assert good_stop
    assert good_targets
    assert [abs(target.price - entry) for target in plan.targets] == sorted(
        abs(target.price - entry) for target in plan.targets
    )
