"""What one price does to one position; then whole price paths against a plain simulation."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.exits import Target
from portal.trading.types import ClosedReason, PositionSide
from portal.trading.watch import ExitDecision, Exposure, evaluate
from tests.trading.factories import D, bounded, money, spot

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def exposure(**changes: Any) -> Exposure:
    values: dict[str, Any] = {
        "instrument": spot(),
        "position_side": LONG,
        "quantity": D(1),
        "initial_quantity": D(1),
        "average_entry": D(100),
        "sl_price": D(95),
        "initial_sl_price": D(95),
        "targets": (Target(D(105), D("0.5")), Target(D(110), D("0.5"))),
    }
    return Exposure(**(values | changes))


def short(**changes: Any) -> Exposure:
    values = {"position_side": SHORT, "sl_price": D(105), "initial_sl_price": D(105)}
    return exposure(**(values | {"targets": (Target(D(95), D("0.5")), Target(D(90), D("0.5")))} | changes))


def acted(position: Exposure, mark: str | Decimal) -> ExitDecision:
    decision = evaluate(position, D(mark))
    assert decision is not None
    return decision


def stored(position: Exposure, decision: ExitDecision) -> Exposure:
    """The position after the decision was carried out."""
    return replace(
        position,
        quantity=position.quantity - decision.quantity,
        done=position.done | set(decision.targets),
        sl_price=decision.sl_price,
        high_water=decision.high_water,
        trailed=decision.trailed,
    )


def test_a_price_between_stop_and_target_changes_nothing() -> None:
    assert evaluate(exposure(), D(100)) is None
    assert evaluate(short(), D(100)) is None


@pytest.mark.parametrize(("position", "mark"), [(exposure(), "95"), (exposure(), "80"), (short(), "105")])
def test_a_stop_closes_everything(position: Exposure, mark: str) -> None:
    decision = acted(position, mark)
    assert (decision.quantity, decision.reason, decision.targets) == (1, ClosedReason.STOP_LOSS, ())


@pytest.mark.parametrize(
    ("position", "mark", "quantity", "targets"),
    [
        (exposure(), "105", "0.5", (0,)),
        (exposure(), "110", "1", (0, 1)),
        (exposure(quantity=D("0.5"), done=frozenset({0})), "110", "0.5", (1,)),
        (short(), "95", "0.5", (0,)),
        (short(), "90", "1", (0, 1)),
    ],
)
def test_reached_targets_close_their_parts(
    position: Exposure, mark: str, quantity: str, targets: tuple[int, ...]
) -> None:
    decision = acted(position, mark)
    assert (decision.quantity, decision.reason) == (D(quantity), ClosedReason.TAKE_PROFIT)
    assert decision.targets == targets


def test_a_target_acts_once() -> None:
    assert evaluate(exposure(quantity=D("0.5"), done=frozenset({0})), D(106)) is None


def test_the_stop_wins_when_both_are_reached() -> None:
    decision = acted(exposure(sl_price=D(107)), "106")
    assert (decision.reason, decision.targets) == (ClosedReason.STOP_LOSS, ())


def test_the_last_target_takes_what_fees_and_rounding_left() -> None:
    position = exposure(quantity=D("0.49907"), done=frozenset({0}))
    assert acted(position, "110").quantity == D("0.49907")


def test_the_last_target_also_takes_what_an_earlier_one_failed_to_close() -> None:
    assert acted(exposure(quantity=D("0.7"), done=frozenset({0})), "110").quantity == D("0.7")


def test_a_part_below_the_lot_waits_for_the_next_target() -> None:
    position = exposure(instrument=spot(lot_size=D("0.6")))
    assert evaluate(position, D(105)) is None
    assert acted(position, "110").targets == (0, 1)


def test_a_rest_that_could_not_be_sold_alone_goes_with_the_part() -> None:
    position = exposure(instrument=spot(min_quantity=D("0.6")))
    assert acted(position, "105").quantity == 1


def test_targets_of_less_than_the_whole_leave_a_runner() -> None:
    position = exposure(targets=(Target(D(105), D("0.25")),))
    after = stored(position, acted(position, "105"))
    assert after.quantity == D("0.75")
    assert evaluate(after, D(200)) is None


def test_break_even_moves_the_stop_to_the_entry_once() -> None:
    position = exposure(break_even_at_r=D("0.8"), targets=())
    assert evaluate(position, D("103.99")) is None
    decision = acted(position, "104")
    assert (decision.quantity, decision.reason, decision.sl_price) == (0, None, 100)
    after = stored(position, decision)
    assert evaluate(after, D(104)) is None
    assert acted(after, "100").reason is ClosedReason.STOP_LOSS


def test_break_even_never_loosens_a_stop() -> None:
    assert evaluate(exposure(break_even_at_r=D(1), sl_price=D(101), targets=()), D(106)) is None


def test_break_even_on_a_coarse_tick_does_not_close_a_winning_position() -> None:
    position = exposure(
        instrument=spot(tick_size=D(10)),
        average_entry=D(101),
        initial_sl_price=D(100),
        targets=(),
        sl_price=D(90),
    )
    assert evaluate(replace(position, break_even_at_r=D(1)), D(102)) is None


def test_a_trailing_stop_follows_the_best_price_only() -> None:
    position = exposure(trailing_stop_percent=D(2), targets=())
    up = acted(position, "110")
    assert (up.sl_price, up.high_water, up.trailed, up.quantity) == (D("107.8"), 110, True, 0)
    after = stored(position, up)
    assert evaluate(after, D(108)) is None
    out = acted(after, "107.8")
    assert (out.quantity, out.reason) == (1, ClosedReason.TRAILING)


def test_a_trailing_stop_of_a_short_follows_downwards() -> None:
    position = short(trailing_stop_percent=D(2), targets=())
    down = acted(position, "90")
    assert (down.sl_price, down.high_water) == (D("91.8"), 90)
    assert acted(stored(position, down), "92").reason is ClosedReason.TRAILING


def test_a_trailing_stop_waits_for_its_activation() -> None:
    position = exposure(trailing_stop_percent=D(1), trailing_activation_percent=D(5), targets=())
    early = acted(position, "104")
    assert (early.sl_price, early.high_water, early.trailed) == (95, 104, False)
    on = acted(stored(position, early), "105")
    assert (on.sl_price, on.trailed) == (D("103.95"), True)


@pytest.mark.parametrize(("position", "stop"), [(exposure(), "100"), (short(), "100")])
def test_a_trailing_stop_closer_than_a_tick_does_not_close_at_once(position: Exposure, stop: str) -> None:
    coarse = replace(position, instrument=spot(tick_size=D(10)), targets=(), trailing_stop_percent=D(1))
    mark = "109" if position.position_side is LONG else "91"
    decision = acted(coarse, mark)
    assert (decision.reason, decision.sl_price) == (None, D(stop))


def test_a_trailing_stop_that_was_overrun_closes_at_once() -> None:
    position = exposure(trailing_stop_percent=D(2), high_water=D(120), targets=())
    decision = acted(position, "110")
    assert (decision.reason, decision.quantity, decision.sl_price) == (ClosedReason.TRAILING, 1, D("117.6"))


def test_a_position_without_stop_and_targets_is_left_alone() -> None:
    assert evaluate(exposure(sl_price=None, initial_sl_price=None, targets=()), D("0.01")) is None


def test_a_position_that_holds_nothing_is_left_alone() -> None:
    assert evaluate(exposure(quantity=D(0)), D(1)) is None


@st.composite
def plans(draw: st.DrawFn) -> Exposure:
    side = draw(st.sampled_from(PositionSide))
    sign, entry = side.sign, D(100)
    distances = sorted(draw(st.lists(money("1", "30", places=2), max_size=3)))
    parts = draw(st.lists(st.sampled_from([D("0.1"), D("0.25"), D("0.33")]), min_size=3, max_size=3))
    stop = draw(st.none() | money("1", "30", places=2))
    sl = None if stop is None else entry - sign * stop
    return exposure(
        position_side=side,
        quantity=D(3),
        initial_quantity=D(3),
        instrument=spot(lot_size=D("0.01")),
        sl_price=sl,
        initial_sl_price=sl,
        targets=tuple(Target(entry + sign * far, part) for far, part in zip(distances, parts, strict=False)),
        break_even_at_r=None if sl is None else draw(st.none() | money("0.5", "3", places=1)),
        trailing_stop_percent=draw(st.none() | money("0.5", "20", places=1)),
        trailing_activation_percent=draw(st.none() | money("0.5", "20", places=1)),
        trailing_stop_distance=draw(st.none() | money("0.5", "150", places=1)),
        trailing_activation_distance=draw(st.none() | money("0.5", "20", places=1)),
    )


@bounded
@given(plans(), st.lists(money("60", "140", places=2), min_size=1, max_size=12))
def test_a_whole_price_path_never_loosens_a_stop_nor_closes_more_than_is_held(
    position: Exposure, path: list[Decimal]
) -> None:
    sign = position.position_side.sign
    for mark in path:
        decision = evaluate(position, mark)
        stopped = position.sl_price is not None and (mark - position.sl_price) * sign <= 0
        if stopped:
            assert decision is not None
            assert decision.quantity == position.quantity
        if decision is None:
            continue
        assert 0 <= decision.quantity <= position.quantity
        assert (decision.quantity > 0) is (decision.reason is not None)
        assert not position.done & set(decision.targets)
        if position.sl_price is not None:
            assert decision.sl_price is not None
            assert (decision.sl_price - position.sl_price) * sign >= 0
        for place in decision.targets:
            assert (mark - position.targets[place].price) * sign >= 0
        position = stored(position, decision)
        if position.quantity == 0:
            return
        assert evaluate(position, mark) is None, "the same price again must change nothing"
        assert tightest_stop(position, mark) is None or position.sl_price is not None


def tightest_stop(position: Exposure, mark: Decimal) -> Fraction | None:
    """Where the trailing stop must at least be, from the best price seen, before rounding."""
    if not position.trails or position.high_water is None:
        return None
    sign, best = position.position_side.sign, Fraction(position.high_water)
    assert (best - Fraction(mark)) * sign >= 0, "the best price is at least as good as this one"
    gain = (best / Fraction(position.average_entry) - 1) * sign * 100
    begins = position.trailing_activation_distance
    if begins is None and gain < Fraction(position.trailing_activation_percent or 0):
        return None
    if begins is not None and (best - Fraction(position.average_entry)) * sign < Fraction(begins):
        return None
    if position.trailing_stop_distance is not None:
        stop = best - sign * Fraction(position.trailing_stop_distance)
    else:
        stop = best * (1 - sign * Fraction(position.trailing_stop_percent or 0) / 100)
    if stop <= 0:
        return None
    assert position.sl_price is not None
    assert (Fraction(position.sl_price) - stop) * sign > -Fraction(position.instrument.tick_size)
    return stop


def test_a_trailing_stop_by_distance_follows_the_best_price_only() -> None:
    position = exposure(trailing_stop_distance=D(3), targets=())
    up = acted(position, "110")
    assert (up.sl_price, up.high_water, up.trailed, up.quantity) == (107, 110, True, 0)
    after = stored(position, up)
    assert evaluate(after, D(109)) is None
    out = acted(after, "107")
    assert (out.quantity, out.reason) == (1, ClosedReason.TRAILING)


def test_a_trailing_stop_by_distance_of_a_short_follows_downwards() -> None:
    position = short(trailing_stop_distance=D(3), targets=())
    assert acted(position, "90").sl_price == 93


@pytest.mark.parametrize(
    "activation", [{"trailing_activation_distance": D(6)}, {"trailing_activation_percent": D(6)}]
)
def test_a_trailing_stop_by_distance_waits_for_its_activation(activation: dict[str, Decimal]) -> None:
    position = exposure(trailing_stop_distance=D(2), targets=(), **activation)
    early = acted(position, "105")
    assert (early.sl_price, early.high_water, early.trailed) == (95, 105, False)
    assert acted(stored(position, early), "106").sl_price == 104


def test_a_trailing_distance_as_large_as_the_price_is_no_stop() -> None:
    position = exposure(trailing_stop_distance=D(200), sl_price=None, initial_sl_price=None, targets=())
    assert acted(position, "110").sl_price is None
