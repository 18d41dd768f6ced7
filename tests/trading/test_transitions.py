"""Every pair of states, against a table written down a second time in another shape."""

from itertools import product

import pytest

from portal.trading.transitions import (
    EXECUTION_MOVES,
    ORDER_MOVES,
    IllegalTransition,
    can_move,
    check_move,
    is_terminal,
)
from portal.trading.types import ExecutionStatus, OrderState

# Rows are the old state, letters the new one: pending, in Flight, Unresolved, Open, pArtially filled, fIlled,
# Denied, Canceled, Expired, Rejected, Not placed. Lower case: only by a late fill.
LETTERS = {
    "P": "pending",
    "F": "in_flight",
    "U": "unresolved",
    "O": "open",
    "A": "partially_filled",
    "I": "filled",
    "D": "denied",
    "C": "canceled",
    "E": "expired",
    "R": "rejected",
    "N": "not_placed",
}
ORDERS = {
    "in_flight": "UOAICERN",
    "unresolved": "OAICEN",
    "open": "AICE",
    "partially_filled": "ICE",
    "filled": "",
    "canceled": "ai",
    "expired": "ai",
    "rejected": "ai",
    "not_placed": "ai",
}
EXECUTIONS = ORDERS | {
    "pending": "FDECN",
    "in_flight": "PUOAICERN",
    "unresolved": "POAICEN",
    "denied": "",
}


def legal(table: dict[str, str], old: str, new: str, *, late: bool) -> bool:
    return any(LETTERS[letter.upper()] == new and (letter.isupper() or late) for letter in table[old])


@pytest.mark.parametrize("late", [False, True])
def test_every_pair_of_order_states_is_judged_as_the_protocol_says(late: bool) -> None:
    for old, new in product(OrderState, OrderState):
        assert can_move(old, new, is_late_fill=late) is legal(ORDERS, old, new, late=late), (old, new)


@pytest.mark.parametrize("late", [False, True])
def test_every_pair_of_execution_statuses_is_judged_as_the_protocol_says(late: bool) -> None:
    for old, new in product(ExecutionStatus, ExecutionStatus):
        assert can_move(old, new, is_late_fill=late) is legal(EXECUTIONS, old, new, late=late), (old, new)


def test_only_what_ended_without_anything_at_a_venue_begins_anew_and_only_when_a_person_asks() -> None:
    for old, new in product(ExecutionStatus, ExecutionStatus):
        anew = old in ("denied", "expired", "not_placed") and new == "pending"
        assert can_move(old, new, is_rerun=True) is (can_move(old, new) or anew), (old, new)
    for order, later in product(OrderState, OrderState):
        assert can_move(order, later, is_rerun=True) is can_move(order, later), (order, later)


def test_an_illegal_move_is_named_in_words() -> None:
    with pytest.raises(IllegalTransition, match="from unresolved to rejected; nothing was changed"):
        check_move(OrderState.UNRESOLVED, OrderState.REJECTED)


def test_a_legal_move_passes_in_silence() -> None:
    check_move(OrderState.UNRESOLVED, OrderState.NOT_PLACED)
    check_move(ExecutionStatus.CANCELED, ExecutionStatus.FILLED, is_late_fill=True)


def test_only_the_answer_to_the_request_itself_can_reject_an_order() -> None:
    assert [old for old in OrderState if OrderState.REJECTED in ORDER_MOVES[old]] == [OrderState.IN_FLIGHT]


def test_both_tables_name_every_state() -> None:
    assert set(ORDER_MOVES) == set(OrderState)
    assert set(EXECUTION_MOVES) == set(ExecutionStatus)


def test_what_has_no_way_out_is_terminal() -> None:
    assert {state for state in OrderState if is_terminal(state)} == {
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.EXPIRED,
        OrderState.REJECTED,
        OrderState.NOT_PLACED,
    }
    assert is_terminal(ExecutionStatus.DENIED)
    assert not is_terminal(ExecutionStatus.PENDING)
