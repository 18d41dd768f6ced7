"""When the answer is lost: nothing is sent again, the exchange is asked, and every account ends with one
order or a proof that there is none. Orders are counted at the exchange."""

from typing import Any

import pytest

from portal.services import books, placing
from portal.trading.types import ExecutionStatus, OrderState
from tests.helpers import dying_at
from tests.services.desk import Desk

ACCEPTED_BUT_UNANSWERED: list[tuple[str, dict[str, Any]]] = [
    ("accept_no_answer", {}),
    *[("http_after", {"status": status}) for status in (500, 502, 503, 504, 520, 524, 599)],
    ("empty_200", {}),
    ("garbage_200", {}),
    ("truncated_json", {}),
    ("json_without_id", {}),
]
NEVER_ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("close_before_accept", {}),
    *[("http_before", {"status": status}) for status in (500, 503, 524)],
]


@pytest.mark.parametrize(("kind", "rule"), ACCEPTED_BUT_UNANSWERED)
def test_f30_f31_f32_order_when_accepted_without_a_usable_answer_is_found_and_not_repeated(
    desk: Desk, kind: str, rule: dict[str, Any]
) -> None:
    desk.account()
    desk.sandbox.add_fault(kind, count=1, **rule)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.UNRESOLVED
    assert desk.order().state is OrderState.UNRESOLVED
    desk.run(execution)
    assert desk.accepted() == 1, "an unresolved execution must not send again"

    desk.later(2)
    desk.resolve_due()

    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert execution.code is None
    assert desk.accepted() == 1
    assert desk.position().quantity > 0
    assert books.verify() == []


@pytest.mark.parametrize(("kind", "rule"), NEVER_ACCEPTED)
def test_f29_order_when_never_accepted_is_proved_absent_and_placed_once_more(
    desk: Desk, kind: str, rule: dict[str, Any]
) -> None:
    desk.account()
    desk.sandbox.add_fault(kind, count=1, **rule)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.UNRESOLVED

    desk.later(2)
    desk.resolve_due()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.UNRESOLVED, "before the window has passed nothing is proved"
    assert desk.accepted() == 0

    desk.later(30)
    desk.resolve_due()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.PENDING
    assert desk.order().state is OrderState.NOT_PLACED
    assert len(desk.order().absent_from) >= 2

    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    first, second = desk.orders()
    assert first.client_order_id != second.client_order_id


def test_f29_order_when_proved_absent_twice_ends_not_placed(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("close_before_accept")
    execution = desk.trade()
    for _ in range(2):
        desk.later(30)
        desk.resolve_due()
        execution = desk.run(execution)
    assert execution.status is ExecutionStatus.NOT_PLACED
    assert execution.code == "PROVED_ABSENT"
    assert desk.accepted() == 0
    assert desk.positions() == []


def test_proved_absent_order_when_its_signal_is_too_old_is_not_placed_again(desk: Desk) -> None:
    desk.account(preset=desk.preset(max_signal_age_seconds=1))
    desk.sandbox.add_fault("close_before_accept", count=1)
    execution = desk.trade()
    desk.later(30)
    desk.resolve_due()
    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.NOT_PLACED
    assert execution.code == "SIGNAL_TOO_OLD"
    assert desk.accepted() == 0


def test_f34_order_when_invisible_for_a_while_is_not_believed_absent(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("accept_no_answer", count=1)
    desk.sandbox.add_fault("invisible", seconds=1.0, count=1)
    desk.trade()
    desk.later(2)
    desk.resolve_due()
    (execution,) = desk.executions()
    assert execution.status in (ExecutionStatus.UNRESOLVED, ExecutionStatus.FILLED)
    for _ in range(3):
        desk.later(16)
        desk.resolve_due()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_order_when_queries_fail_stays_unresolved_and_blocks_the_lane(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("accept_no_answer", count=1)
    for endpoint in ("query", "openOrders", "allOrders"):
        desk.sandbox.add_fault("http_before", endpoint, status=503)
    desk.trade()
    (second,) = desk.publish()
    for _ in range(4):
        desk.later(20)
        desk.resolve_due()
    second = desk.run(second)
    assert [each.status for each in desk.executions()] == [
        ExecutionStatus.UNRESOLVED,
        ExecutionStatus.PENDING,
    ]
    assert desk.accepted() == 1


def test_intent_when_its_worker_died_before_sending_is_asked_about_and_proved_absent(desk: Desk) -> None:
    """A row in flight whose worker is gone: as far as anybody knows it was sent."""
    desk.account()
    (execution,) = desk.publish()
    with dying_at(placing, "place"):
        desk.run(execution)
    assert desk.order().state is OrderState.IN_FLIGHT
    desk.resolve_due()
    assert desk.order().state is OrderState.IN_FLIGHT, "the sender still has time"

    desk.later(40)
    assert desk.sweep()["resolve_order"] == 1
    desk.resolve_due()
    assert desk.order().state is OrderState.NOT_PLACED
    assert desk.accepted() == 0


@pytest.mark.parametrize("status", [429, 418])
def test_order_when_rate_limited_is_attempted_again_under_a_new_id(desk: Desk, status: int) -> None:
    desk.account()
    desk.sandbox.add_fault("rate_limit", status=status, retry_after=1, count=1)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.PENDING
    assert desk.accepted() == 0
    desk.later(2)
    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_order_when_the_clock_is_outside_the_window_is_attempted_again(desk: Desk) -> None:
    desk.account()
    desk.sandbox.add_fault("clock_error", count=1)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.PENDING
    desk.later(5)
    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_order_when_refused_by_the_exchange_is_rejected_with_its_code(desk: Desk) -> None:
    desk.account()
    (execution,) = desk.publish()
    desk.sandbox.update_account("alpha", can_trade=False)
    execution = desk.run(execution)
    assert desk.accepted() == 0
    assert execution.status is ExecutionStatus.REJECTED
    assert desk.order().venue_code is not None
    assert execution.message
