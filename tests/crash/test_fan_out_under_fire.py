"""Lost answers, cut connections and kill -9 in the middle of a fan-out; the exchange counts the orders.
`make chaos` runs the same with a thousand accounts."""

import pytest

from bench.chaos import Plan, strike
from bench.floor import Floor

pytestmark = pytest.mark.timeout(110)


def test_fan_out_when_answers_are_lost_and_workers_killed_then_every_account_has_exactly_one_order(
    here: Floor,
) -> None:
    plan = Plan(accounts=60, kills=3, seed=5, workers=2, concurrency=8, unanswered=0.05, cut=0.05, seconds=90)
    done = strike(here, plan)
    assert done.problems == []
    assert done.evidence.accepted == 60, done.evidence.statuses
    assert len(done.killed_at) == 3
    assert done.killed_at[-1] < 60, "the last kill came after the fan-out"
    assert done.faults["accept_no_answer"] > 0
    assert done.faults["close_before_accept"] > 0
