"""What came to nothing runs again when a person asks for it, and nothing is ever sent twice."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read, transaction, utcnow
from portal.errors import ConflictError, NotFoundError
from portal.models import AuditEntry, Execution, ExecutionLog, Order, Signal, TradingPreset
from portal.services import executions, reruns, signals, trading_state
from portal.trading.proof import DECLARED_NOT_PLACED, PROVED_ABSENT
from portal.trading.types import ExecutionStatus, TradingStateValue
from tests.helpers import at_once
from tests.services.desk import Desk

SLOW = {"max_signal_age_seconds": 3600}


def halt(desk: Desk, state: TradingStateValue) -> None:
    trading_state.set_state("everything", "", state, "a test", actor=desk.admin)


def denied(desk: Desk, **data: object) -> int:
    """An execution that was denied because trading was halted, and is not any more."""
    halt(desk, TradingStateValue.HALTED)
    execution = desk.trade(**data)
    assert (execution.status, execution.code) == ("denied", "TRADING_HALTED")
    key = execution.id
    halt(desk, TradingStateValue.ACTIVE)
    return key


def again(desk: Desk, key: int) -> Execution:
    reruns.run_again(key, actor=desk.admin)
    end_read()
    executions.run(key)
    return db.session.get_one(Execution, key, populate_existing=True)


def refused(desk: Desk, key: int, match: str) -> None:
    before = _state(key), desk.accepted(), len(desk.orders())
    assert match in reruns.why_not(key)
    with pytest.raises(ConflictError, match=match):
        reruns.run_again(key, actor=desk.admin)
    end_read()
    executions.run(key)
    assert (_state(key), desk.accepted(), len(desk.orders())) == before


def _state(key: int) -> tuple[str, str | None]:
    row = db.session.get_one(Execution, key, populate_existing=True)
    return row.status, row.code


def test_denied_execution_when_run_again_then_places_its_order_once(desk: Desk) -> None:
    desk.account(preset=desk.preset(**SLOW))
    key = denied(desk)
    assert desk.accepted() == 0
    execution = again(desk, key)
    assert (execution.status, execution.code, execution.generation) == ("filled", None, 0)
    assert desk.sent() == 1
    assert execution.rerun_at is not None
    assert execution.steps_ms()["queue"] < 10_000
    # Its owner reads what happened, and the audit trail who asked for it.
    lines = db.session.scalars(sa.select(ExecutionLog.message).where(ExecutionLog.event == "run_again")).all()
    assert len(lines) == 1
    assert "TRADING_HALTED" in lines[0]
    entry = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "portal.execution.rerun")
    ).one()
    assert (entry.object_id, entry.data["code"]) == (key, "TRADING_HALTED")
    refused(desk, key, "It is filled")
    assert desk.sent() == 1


def test_denied_execution_when_two_people_run_it_again_at_once_then_one_order_is_sent(
    app: Flask, desk: Desk
) -> None:
    desk.account(preset=desk.preset(**SLOW))
    key = denied(desk)
    admin_id = desk.admin_id

    def ask() -> bool:
        try:
            reruns.run_again(key, actor=f"person {admin_id}")
        except ConflictError:
            return False
        finally:
            end_read()
            executions.run(key)
        return True

    assert sum(at_once(app, [ask] * 4)) == 1
    assert _state(key)[0] == "filled"
    assert desk.sent() == 1
    assert len([order for order in desk.orders() if order.execution_id == key]) == 1


def test_denied_execution_when_its_signal_is_too_old_then_stays_denied(desk: Desk) -> None:
    preset = desk.preset(**SLOW)
    desk.account(preset=preset)
    preset_id, key = preset.id, denied(desk)
    with transaction() as session:
        session.execute(sa.update(Signal).values(published_at=utcnow() - timedelta(hours=2)))
    refused(desk, key, "old")
    # The limit is the preset's: who changes it may run the signal again.
    with transaction() as session:
        session.get_one(TradingPreset, preset_id).max_signal_age_seconds = 86_400
    assert again(desk, key).status == "filled"


def test_denied_execution_when_nothing_has_changed_then_says_that_it_would_be_denied_again(
    desk: Desk,
) -> None:
    account = desk.account(preset=desk.preset(**SLOW))
    account_id, key = account.id, denied(desk)
    with transaction() as session:
        session.get_one(type(account), account_id).is_active = False
    refused(desk, key, "denied again")


def test_denied_execution_when_a_later_signal_went_ahead_then_is_not_run_behind_it(desk: Desk) -> None:
    desk.account(preset=desk.preset(**SLOW))
    key = denied(desk)
    later = denied(desk)
    assert again(desk, later).status == "filled"
    refused(desk, key, "A later signal")
    assert desk.sent() == 1


def test_denied_executions_when_both_run_again_then_keep_the_order_of_their_signals(desk: Desk) -> None:
    desk.account(preset=desk.preset(**SLOW))
    first, second = denied(desk), denied(desk)
    reruns.run_again(first, actor=desk.admin)
    reruns.run_again(second, actor=desk.admin)
    end_read()
    executions.run(second)
    assert _state(second)[0] == "pending", "it does not overtake the earlier one"
    executions.run(first)
    executions.run(second)
    assert (_state(first)[0], _state(second)[0]) == ("filled", "filled")
    assert desk.sent() == 2


def not_placed(desk: Desk, **changes: object) -> int:
    """An execution whose only order was refused before the exchange processed it; `changes` to that order."""
    desk.account(preset=desk.preset(**SLOW))
    fault = desk.sandbox.add_fault("rate_limit", "order", count=1, retry_after=1)
    (execution,) = desk.publish()
    key = execution.id
    with transaction() as session:
        session.execute(sa.update(Execution).values(attempts=50))
    desk.run(desk.executions()[0])
    desk.sandbox.remove_fault(fault)
    desk.forget_traffic()
    assert _state(key)[0] == "not_placed"
    if changes:
        with transaction() as session:
            session.execute(sa.update(Order).values(**changes))
    return key


def test_execution_that_was_not_placed_when_run_again_then_has_a_new_client_order_id(desk: Desk) -> None:
    key = not_placed(desk)
    execution = again(desk, key)
    first, second = [order for order in desk.orders() if order.execution_id == key]
    assert (execution.status, execution.generation) == ("filled", 1)
    assert first.client_order_id != second.client_order_id
    assert (first.state, second.state) == ("not_placed", "filled")
    assert desk.sent() == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "unresolved", "closed_at": None}, "was or may have been taken"),
        ({"state": "open", "closed_at": None}, "was or may have been taken"),
        ({"state": "canceled"}, "was or may have been taken"),
        ({"error_code": DECLARED_NOT_PLACED}, "declared its order not placed"),
        ({"error_code": PROVED_ABSENT, "absent_from": ["open", "fills"]}, "could have taken its order"),
        ({"error_code": PROVED_ABSENT, "absent_from": ["order", "open"], "generation": 1}, "by silence"),
    ],
    ids=["unresolved", "open", "canceled", "declared", "no-proof", "second-absence"],
)
def test_execution_that_may_have_an_order_when_run_again_then_is_refused(
    desk: Desk, changes: dict[str, object], why: str
) -> None:
    refused(desk, not_placed(desk, **changes), why)
    assert desk.sent() == 0


@pytest.mark.parametrize("status", sorted(set(ExecutionStatus) - {"denied", "expired", "not_placed"}))
def test_execution_of_another_status_when_run_again_then_is_refused(
    desk: Desk, status: ExecutionStatus
) -> None:
    desk.account(preset=desk.preset(**SLOW))
    key = denied(desk)
    with transaction() as session:
        session.execute(
            sa.update(Execution).values(status=status, next_attempt_at=utcnow() + timedelta(hours=1))
        )
    refused(desk, key, "It is")


def test_signal_when_run_again_then_only_what_came_to_nothing_begins_anew(desk: Desk) -> None:
    slow = desk.preset(**SLOW)
    desk.account("alpha", preset=slow)
    beta = desk.account("beta", preset=slow).id
    desk.account("gamma", preset=desk.preset(blocked_symbols=["BTC/USDT"], **SLOW))
    trading_state.set_state("connection", str(beta), TradingStateValue.HALTED, "a test", actor=desk.admin)
    rows = desk.publish()
    signal_id = rows[0].signal_id
    assert signal_id is not None
    desk.run_all()
    assert [each.status for each in desk.executions()] == ["filled", "denied", "denied"]
    trading_state.set_state("connection", str(beta), TradingStateValue.ACTIVE, "a test", actor=desk.admin)
    assert reruns.outlook(signal_id).again == 2
    done = reruns.run_signal_again(signal_id, actor=desk.admin)
    assert (done.again, dict(done.refused)) == (2, {})
    assert reruns.run_signal_again(signal_id, actor=desk.admin).again == 0, "a second click changes nothing"
    desk.run_all()
    assert [each.status for each in desk.executions()] == ["filled", "filled", "denied"]
    assert desk.sent() == 2
    entries = db.session.scalars(
        sa.select(AuditEntry).where(AuditEntry.action == "portal.signal.rerun")
    ).all()
    assert [len(entry.data["executions"]) for entry in entries] == [2]


def test_rerun_when_the_row_does_not_exist_then_says_so(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        reruns.run_again(77, actor=desk.admin)
    with pytest.raises(NotFoundError):
        reruns.run_signal_again(77, actor=desk.admin)
    assert not signals.reach(77)
