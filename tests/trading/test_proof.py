"""When "not found" is believed: after the window, three times, from kinds of endpoint that hide nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.proof import (
    ANSWERS_NEEDED,
    BETWEEN_ANSWERS,
    LONGEST_BACKOFF,
    NO_WINDOW_SLACK,
    READ_LAG,
    SLACK,
    Doubt,
    Endpoint,
    backoff,
    end_without_order,
    may_attempt_again,
    shows_absence,
    shows_no_trace,
)
from portal.trading.types import OrderState

NOT_AFTER = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOT_AFTER + SLACK + timedelta(seconds=1)
BOTH = frozenset({Endpoint.OPEN, Endpoint.HISTORY})
DOUBT = Doubt(NOT_AFTER, has_window=True)


def answered(doubt: Doubt, *answers: set[Endpoint] | frozenset[Endpoint], start: datetime = LATER) -> Doubt:
    """After these answers, asked as far apart as they must be."""
    for number, kinds in enumerate(answers):
        doubt = doubt.observe(kinds, start + number * BETWEEN_ANSWERS)
    return doubt


def test_absence_is_proved_by_three_answers_from_two_kinds_after_the_horizon() -> None:
    doubt = answered(DOUBT, BOTH, BOTH)
    assert not doubt.is_absent
    doubt = answered(DOUBT, BOTH, BOTH, BOTH)
    assert doubt.is_absent
    assert doubt.left_no_trace
    assert doubt.answers == ANSWERS_NEEDED


def test_answers_when_asked_before_the_horizon_never_count() -> None:
    early = NOT_AFTER + SLACK
    assert DOUBT.observe(BOTH, early) == DOUBT
    assert DOUBT.observe(BOTH, early + timedelta(microseconds=1)).answers == 1


def test_a_venue_without_a_window_is_doubted_longer() -> None:
    doubt = Doubt(NOT_AFTER, has_window=False)
    assert answered(doubt, BOTH, BOTH, BOTH) == doubt
    after = NOT_AFTER + NO_WINDOW_SLACK + timedelta(seconds=1)
    assert answered(doubt, BOTH, BOTH, BOTH, start=after).is_absent


def test_answers_when_close_together_count_once() -> None:
    doubt = DOUBT.observe(BOTH, LATER)
    soon = LATER + BETWEEN_ANSWERS - timedelta(microseconds=1)
    assert doubt.observe(BOTH, soon) == doubt


def test_proof_takes_longer_than_an_order_may_be_between_two_lists() -> None:
    assert (ANSWERS_NEEDED - 1) * BETWEEN_ANSWERS > READ_LAG


@pytest.mark.parametrize(
    ("kinds", "absence", "no_trace"),
    [
        ({Endpoint.ORDER}, False, False),
        ({Endpoint.OPEN}, False, False),
        ({Endpoint.HISTORY, Endpoint.FILLS}, False, False),
        ({Endpoint.OPEN, Endpoint.FILLS}, True, False),
        ({Endpoint.OPEN, Endpoint.HISTORY}, True, True),
        ({Endpoint.ORDER, Endpoint.OPEN}, True, True),
        ({Endpoint.ORDER, Endpoint.FILLS}, True, True),
    ],
)
def test_kinds_of_endpoint_prove_only_what_they_would_show(
    kinds: set[Endpoint], absence: bool, no_trace: bool
) -> None:
    assert (shows_absence(kinds), shows_no_trace(kinds)) == (absence, no_trace)
    doubt = answered(DOUBT, kinds, kinds, kinds)
    assert (doubt.is_absent, doubt.left_no_trace) == (absence, no_trace)


def test_an_answer_that_missed_the_open_orders_is_not_made_good_by_a_later_one() -> None:
    """It may have waited during the first question, and filled before the second."""
    finished, waiting = {Endpoint.HISTORY, Endpoint.FILLS}, {Endpoint.OPEN}
    assert not answered(DOUBT, *[finished, waiting] * 10).is_absent


def test_answers_from_changing_endpoints_count_and_the_last_decides_what_is_proved() -> None:
    flaky = [{Endpoint.OPEN, Endpoint.HISTORY}, {Endpoint.ORDER, Endpoint.FILLS}]
    assert answered(DOUBT, *flaky, {Endpoint.ORDER, Endpoint.OPEN}).left_no_trace
    weaker = answered(DOUBT, *flaky, {Endpoint.OPEN, Endpoint.FILLS})
    assert weaker.is_absent
    assert not weaker.left_no_trace


@given(
    st.lists(st.tuples(st.integers(0, 300), st.sets(st.sampled_from(Endpoint))), max_size=40), st.booleans()
)
def test_nothing_is_believed_without_three_sufficient_answers_late_and_apart(
    asked: list[tuple[int, set[Endpoint]]], has_window: bool
) -> None:
    doubt, at = Doubt(NOT_AFTER, has_window), NOT_AFTER
    good: list[datetime] = []
    for seconds, kinds in asked:
        at += timedelta(seconds=seconds / 10)
        doubt = doubt.observe(kinds, at)
        if at > doubt.horizon and shows_absence(kinds):
            good.append(at)
    if doubt.is_absent:
        assert len(good) >= ANSWERS_NEEDED
        assert good[-1] - good[0] >= (ANSWERS_NEEDED - 1) * BETWEEN_ANSWERS
        assert shows_absence(doubt.kinds)


def test_questions_when_early_are_asked_more_and_more_rarely_and_once_at_the_horizon() -> None:
    waits = [backoff(queries).seconds for queries in range(7)]
    assert waits == [1, 1, 2, 4, 8, 15, 15]
    assert backoff(10_000) == LONGEST_BACKOFF
    asked_at = DOUBT.horizon - timedelta(seconds=5)
    late = Doubt(NOT_AFTER, True, queries=9)
    assert late.next_question(asked_at, asked_at + timedelta(seconds=1)) == timedelta(seconds=4)


def test_questions_after_the_horizon_follow_quickly_only_while_they_lead_to_proof() -> None:
    counted = Doubt(NOT_AFTER, True, queries=9).observe(BOTH, LATER)
    assert counted.next_question(LATER, LATER) == BETWEEN_ANSWERS
    useless = Doubt(NOT_AFTER, True, queries=9).observe({Endpoint.OPEN}, LATER)
    assert useless.next_question(LATER, LATER) == LONGEST_BACKOFF


def test_a_refusal_for_now_is_no_rejection() -> None:
    assert end_without_order(again=False, refused_with_code=True) is OrderState.REJECTED
    assert end_without_order(again=True, refused_with_code=True) is OrderState.NOT_PLACED
    assert end_without_order(again=False, refused_with_code=False) is OrderState.NOT_PLACED


def test_a_second_order_may_follow_a_proof_of_absence_and_a_third_may_not() -> None:
    assert may_attempt_again(generation=0, attempts=0, proved_absent=True)
    assert not may_attempt_again(generation=1, attempts=1, proved_absent=True)
    assert may_attempt_again(generation=4, attempts=4, proved_absent=False)
    assert not may_attempt_again(generation=5, attempts=5, proved_absent=False)
