"""Guards at the venue: single cases, then whole lives of positions, of which nothing may be sold twice."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.exits import Target
from portal.trading.guards import Ability, Guard, Resting, Steps, compare, wanted_guards
from portal.trading.types import OrderRole, PositionMode, PositionSide, Side
from portal.trading.watch import Exposure
from tests.trading.factories import D, bounded, linear, spot

SWAP = Ability(stop=True, targets=True, exclusive=True)
SPOT = Ability(stop=True)


def exposure(**changes: Any) -> Exposure:
    values: dict[str, Any] = {
        "instrument": linear(),
        "position_side": PositionSide.LONG,
        "quantity": D(10),
        "initial_quantity": D(10),
        "average_entry": D(100),
        "sl_price": D(95),
        "targets": (Target(D(105), D("0.5")), Target(D(110), D("0.5"))),
    }
    return Exposure(**(values | changes))


def sizes(guards: tuple[Guard, ...]) -> list[tuple[str, int | None, Decimal, Decimal]]:
    return [(guard.role.value, guard.place, guard.quantity, guard.trigger_price) for guard in guards]


def test_swap_position_has_one_stop_for_all_and_a_part_per_target() -> None:
    guards = wanted_guards(exposure(), SWAP)
    assert sizes(guards) == [
        ("stop_loss", None, 10, 95),
        ("take_profit", 0, 5, 105),
        ("take_profit", 1, 5, 110),
    ]
    assert all(guard.reduce_only and guard.side is Side.SELL for guard in guards)


def test_short_position_is_guarded_by_buys() -> None:
    targets = (Target(D(95), D(1)),)
    guards = wanted_guards(exposure(position_side=PositionSide.SHORT, sl_price=D(105), targets=targets), SWAP)
    assert {guard.side for guard in guards} == {Side.BUY}


def test_spot_position_has_its_stop_and_keeps_its_targets_here() -> None:
    position = exposure(instrument=spot(), quantity=D("0.123456"))
    (guard,) = wanted_guards(position, replace(SPOT, targets=True, exclusive=True))
    assert (guard.role, guard.quantity, guard.reduce_only) == (OrderRole.STOP_LOSS, D("0.12345"), False)


def test_position_that_shares_its_symbol_has_no_resting_targets() -> None:
    assert sizes(wanted_guards(exposure(), replace(SWAP, exclusive=False))) == [("stop_loss", None, 10, 95)]


def test_targets_without_a_stop_rest_all_the_same() -> None:
    assert [guard.place for guard in wanted_guards(exposure(sl_price=None), SWAP)] == [0, 1]


def test_rest_after_a_served_target_is_guarded_and_the_last_target_takes_all_of_it() -> None:
    position = exposure(quantity=D(4), done=frozenset({0}))
    assert sizes(wanted_guards(position, SWAP)) == [("stop_loss", None, 4, 95), ("take_profit", 1, 4, 110)]


def test_target_that_was_filled_in_part_is_wanted_for_the_rest() -> None:
    targets = (Target(D(105), D("0.5")), Target(D(110), D("0.2")))
    position = exposure(quantity=D(8), targets=targets, served={0: D(2)})
    assert [guard.quantity for guard in wanted_guards(position, SWAP)] == [8, 3, 2]


def test_target_that_the_venue_refused_keeps_its_share_and_does_not_rest() -> None:
    guards = wanted_guards(exposure(), replace(SWAP, local_targets=frozenset({0})))
    assert sizes(guards) == [("stop_loss", None, 10, 95), ("take_profit", 1, 5, 110)]


@pytest.mark.parametrize(
    "instrument",
    [spot(min_quantity=D(11)), spot(max_quantity=D(9)), spot(min_notional=D(951)), spot(lot_size=D(11))],
)
def test_what_the_venue_would_refuse_is_not_wanted(instrument: Any) -> None:
    assert wanted_guards(exposure(instrument=instrument), SPOT) == ()


def test_stop_of_a_venue_without_stop_market_orders_has_a_limit_that_gets_out() -> None:
    (guard,) = wanted_guards(exposure(targets=()), replace(SWAP, stop_needs_price=True))
    assert guard.price == D("90.25")


def test_nothing_is_wanted_where_the_venue_can_do_nothing() -> None:
    assert wanted_guards(exposure(), Ability(stop=False)) == ()


def test_compare_keeps_what_matches_and_replaces_what_does_not() -> None:
    stop, first, last = wanted_guards(exposure(), SWAP)
    there = [Resting(1, replace(stop, quantity=D(9))), Resting(2, first), Resting(3, first)]
    steps = compare([stop, first, last], there, exclusive=True)
    assert [each.key for each in steps.keep] == [2]
    assert {each.key for each in steps.cancel} == {1, 3}
    assert steps.place == (stop, last)
    assert not steps.cancel_first
    assert not steps.settled


def test_compare_prefers_the_guard_that_is_known_over_the_one_in_doubt() -> None:
    (stop,) = wanted_guards(exposure(targets=()), SWAP)
    steps = compare([stop], [Resting(1, stop, in_doubt=True), Resting(2, stop)], exclusive=False)
    assert [each.key for each in steps.keep] == [2]
    assert [each.key for each in steps.cancel] == [1]
    assert steps.cancel_first


class Book:
    """The orders of one venue, changed in the order in which the steps allow it."""

    def __init__(self, exclusive: bool) -> None:
        self.exclusive = exclusive
        self.there: dict[int, Guard] = {}
        self.keys = iter(range(1, 10_000))
        self.worst_stops = 0

    def follow(self, steps: Steps) -> None:
        changes = [self._cancel, self._place] if steps.cancel_first else [self._place, self._cancel]
        for change in changes:
            change(steps)

    def _cancel(self, steps: Steps) -> None:
        for each in steps.cancel:
            del self.there[each.key]

    def _place(self, steps: Steps) -> None:
        for guard in steps.place:
            self.there[next(self.keys)] = guard
            stops = sum(guard.role is OrderRole.STOP_LOSS for guard in self.there.values())
            self.worst_stops = max(self.worst_stops, stops)

    def resting(self) -> list[Resting]:
        return [Resting(key, guard) for key, guard in self.there.items()]

    def sum_of(self, role: OrderRole) -> Decimal:
        return sum((guard.quantity for guard in self.there.values() if guard.role is role), Decimal(0))


changes = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.integers(1, 20)),
        st.tuples(st.just("exit"), st.integers(1, 20)),
        st.tuples(st.just("stop"), st.integers(1, 150)),
        st.tuples(st.just("done"), st.integers(0, 2)),
        st.tuples(st.just("vanish"), st.integers(0, 3)),
        st.tuples(st.just("company"), st.integers(0, 1)),
    ),
    max_size=25,
)
fractions = st.lists(st.sampled_from([D("0.2"), D("0.25"), D("0.3333"), D("0.5"), D(1)]), max_size=3)


@bounded
@given(
    changes=changes,
    fractions=fractions,
    on_spot=st.booleans(),
    least=st.sampled_from([None, D(2), D(5)]),
    mode=st.sampled_from(list(PositionMode)),
)
def test_guards_after_any_history_match_what_is_held_and_close_nothing_twice(
    changes: list[tuple[str, int]],
    fractions: list[Decimal],
    on_spot: bool,
    least: Decimal | None,
    mode: PositionMode,
) -> None:
    market = spot(lot_size=D(1), min_quantity=least) if on_spot else linear(min_quantity=least)
    targets = tuple(Target(D(200 + place), fraction) for place, fraction in enumerate(fractions))
    position = exposure(
        instrument=market, quantity=D(0), initial_quantity=D(0), sl_price=None, targets=targets
    )
    can = Ability(stop=True, targets=True, exclusive=not on_spot, position_mode=mode)
    book = Book(can.exclusive)
    for what, number in changes:
        position = changed(position, what, number)
        if what == "company":
            can = replace(can, exclusive=not on_spot and number == 0)
        if what == "vanish" and book.there:
            book.there.pop(sorted(book.there)[number % len(book.there)])
        wanted = wanted_guards(position, can)
        book.follow(compare(wanted, book.resting(), exclusive=can.exclusive))
        assert sorted(map(repr, book.there.values())) == sorted(map(repr, wanted))
        assert compare(wanted, book.resting(), exclusive=can.exclusive).settled
        held = position.quantity
        assert book.sum_of(OrderRole.STOP_LOSS) in (0, held)
        assert book.sum_of(OrderRole.TAKE_PROFIT) <= held
        if not can.exclusive:
            assert len(book.there) <= 1
    if on_spot:
        assert book.worst_stops <= 1


def changed(position: Exposure, what: str, number: int) -> Exposure:
    if what == "fill":
        entered = position.initial_quantity + number
        return replace(position, quantity=position.quantity + number, initial_quantity=entered)
    if what == "exit":
        return replace(position, quantity=max(position.quantity - number, D(0)))
    if what == "stop":
        return replace(position, sl_price=D(number))
    if what == "done" and number < len(position.targets):
        return replace(position, done=position.done | {number})
    return position
