"""A crash between any two lines of the protocol has one reading (reliability protocol (c)); the sweeper acts
on it. Kills are in `tests/crash`; here every point is read from the rows it leaves behind."""

import pytest
from flask import current_app

from portal.db import db, end_read, transaction, utcnow
from portal.jobs import executions as jobs
from portal.jobs import keys
from portal.jobs.table import ORDERS
from portal.models import ExecutionPosition
from portal.services import (
    books,
    claims,
    closing,
    ending,
    executions,
    placing,
    positions,
    recording,
    resolution,
)
from portal.trading.types import ClosedReason, ExecutionStatus, OrderState, PositionStatus
from tests.helpers import dying_at
from tests.services.desk import Desk


def test_f04_f07_c02_publication_when_its_jobs_were_lost_is_found_by_the_sweeper(desk: Desk) -> None:
    """C2, F7, F4."""
    desk.account()
    (execution,) = desk.publish()
    assert desk.sweep()["run_execution"] == 0, "its own job is on the way"
    desk.later(20)
    assert desk.sweep()["run_execution"] == 1
    assert desk.run(desk.executions()[0]).status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


@pytest.mark.parametrize("lost", [False, True])
def test_f25_execution_when_the_sweeper_meets_it_then_exactly_one_job_waits_for_it(
    desk: Desk, lost: bool
) -> None:
    """What waits is not asked for again, however long the queue is; what was lost is."""
    desk.account()
    desk.publish()
    desk.later(20)
    redis = current_app.extensions["portal_redis"]
    if lost:
        redis.flushdb()
    jobs.sweep()
    assert redis.llen(keys.queue(ORDERS)) == 1


def test_c04_c05_c14_claim_when_its_worker_died_is_free_again_after_the_lease(desk: Desk) -> None:
    """C4, C5, C14."""
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    assert claims.claim(key) is not None
    assert claims.claim(key) is None
    desk.later(10)
    assert desk.sweep()["run_execution"] == 0, "the lease holds"
    desk.later(25)
    assert desk.sweep()["run_execution"] == 1
    assert desk.run(desk.executions()[0]).status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_c12_doubt_when_its_asker_died_is_asked_about_again(desk: Desk) -> None:
    """C12: found at the exchange, not stored."""
    desk.account()
    desk.sandbox.add_fault("accept_no_answer", count=1)
    desk.trade()
    desk.later(2)
    with dying_at(recording, "record_report"):
        desk.resolve_due()
    end_read()
    resolution.resolve(desk.order().id)
    assert desk.order().state is OrderState.UNRESOLVED, "somebody else is believed to ask"
    desk.later(40)
    assert desk.sweep()["resolve_order"] == 1
    desk.resolve_due()
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert books.verify() == []


def test_c13_proof_of_absence_when_recorded_twice_gives_one_more_order_not_two(desk: Desk) -> None:
    """C13."""
    desk.account()
    desk.sandbox.add_fault("close_before_accept", count=1)
    desk.trade()
    for _ in range(2):
        recording.record_absent(desk.order().id, may_follow=True)
    (execution,) = desk.executions()
    assert (execution.status, execution.generation) == (ExecutionStatus.PENDING, 1)
    assert desk.run(execution).status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_f52_close_when_its_worker_died_before_the_send_is_proved_absent_and_sent_once(desk: Desk) -> None:
    """C16, F52: the close of one version exists once, whoever asks how often."""
    desk.account(exchange="sandboxusdm", preset=desk.sized(market_type="swap"))
    desk.trade()
    key = desk.position().id
    positions.request_close(key, actor=desk.admin)
    with dying_at(placing, "place"):
        closing.run_close(key)
    assert desk.position().status is PositionStatus.CLOSING
    closing.run_close(key)
    assert desk.accepted() == 1, "what may have been sent is not sent again"
    desk.later(60)
    assert desk.sweep()["resolve_order"] == 1
    desk.resolve_due()
    assert desk.position().status is PositionStatus.OPEN
    desk.later(60)
    assert desk.sweep()["close_position"] == 1
    closing.run_close(key)
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2
    assert books.verify() == []


def test_wish_to_close_when_its_job_was_lost_is_found_by_the_sweeper(desk: Desk) -> None:
    desk.account()
    desk.trade()
    positions.request_close(desk.position().id, actor=desk.admin)
    assert desk.sweep()["close_position"] == 1
    closing.run_close(desk.position().id)
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.sweep()["close_position"] == 0


def test_closing_signal_when_its_worker_died_after_the_wish_is_carried_out(desk: Desk) -> None:
    desk.account()
    desk.trade()
    (execution,) = desk.publish(action="close")
    with dying_at(closing, "run_close"):
        desk.run(execution)
    assert desk.executions()[1].status is ExecutionStatus.IN_FLIGHT
    assert desk.sweep()["close_position"] == 1
    closing.run_close(desk.position().id)
    assert desk.executions()[1].status is ExecutionStatus.FILLED
    assert desk.accepted() == 2


def test_f50_c15_position_when_its_end_could_not_be_booked_is_booked_by_the_next_look(desk: Desk) -> None:
    """F50, C15: fills, position and execution change together or not at all."""
    desk.account()
    desk.trade()
    key = desk.position().id
    held = desk.position().quantity
    positions.request_close(key, actor=desk.admin)
    with dying_at(ending, "finish"):
        closing.run_close(key)
    position = desk.position()
    assert (position.status, position.quantity) == (PositionStatus.CLOSING, held)
    assert len(desk.fills()) == 1
    desk.later(60)
    desk.resolve_due()
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2
    assert books.verify() == []


def test_stop_when_the_price_jumps_through_it_sells_at_the_market(desk: Desk) -> None:
    """F55: a gap is no reason to wait for the stop's own price."""
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    desk.trade(sl="49000", tp="52000")
    desk.price("BTC/USDT", 30_000)
    desk.watch()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.STOP_LOSS
    assert position.average_exit_price is not None and position.average_exit_price < 31_000
    assert desk.accepted() == 2


def test_target_and_stop_when_their_prices_are_seen_in_the_wrong_order_close_once(desk: Desk) -> None:
    """F51: a wish that is there is not replaced by another full one."""
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    desk.trade(sl="49000", tp="52000")
    from portal.services import monitor

    for price in (52_500, 48_000):
        desk.price("BTC/USDT", price)
        end_read()
        monitor.check_positions()
    assert desk.position().close_reason is ClosedReason.TAKE_PROFIT
    desk.close_wanted()
    assert desk.accepted() == 2
    assert desk.position().status is PositionStatus.CLOSED


def test_clock_when_it_is_three_seconds_off_is_measured_and_trades(desk: Desk) -> None:
    """F38."""
    desk.sandbox.set_clock_offset(3000)
    desk.account()
    execution = desk.trade()
    for _ in range(2):
        if execution.status is ExecutionStatus.PENDING:
            desk.later(5)
            execution = desk.run(execution)
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert desk.accepted() == 1


def test_f28_clock_of_this_machine_when_it_jumps_ahead_ends_no_lease_early(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F28: leases live by the database's clock alone."""
    from datetime import timedelta

    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    assert claims.claim(key) is not None
    monkeypatch.setattr(claims, "utcnow", lambda: utcnow() + timedelta(hours=1))
    assert claims.claim(key) is None
    executions.run(key)
    assert desk.accepted() == 0


def test_position_when_its_wish_was_partial_and_nothing_is_left_is_not_kept_open(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    desk.trade()
    key = desk.position().id
    end_read()
    with transaction() as session:
        row = session.get_one(ExecutionPosition, key)
        row.close_reason, row.close_quantity = ClosedReason.TAKE_PROFIT, row.quantity * 3
    closing.run_close(key)
    assert desk.position().status is PositionStatus.CLOSED, "more than is held is all of it"
    assert desk.fills()[-1].quantity <= desk.fills()[0].quantity
    assert db.session.get_one(ExecutionPosition, key).quantity == 0
