"""No entry before the account was compared with its exchange; nothing more than that afterwards."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.models import Execution, ExecutionConnection, ExecutionPosition, JobLease, Order
from portal.services import expiring, reconciliation
from portal.services.reconciliation import standing
from portal.trading.types import ExecutionStatus
from tests.services.desk import Desk
from tests.services.protected import VENUES, account


def connection() -> ExecutionConnection:
    return db.session.execute(
        sa.select(ExecutionConnection).execution_options(populate_existing=True)
    ).scalar_one()


def compared_at(seconds_ago: float | None) -> None:
    end_read()
    with transaction() as session:
        at = None if seconds_ago is None else utcnow() - timedelta(seconds=seconds_ago)
        session.execute(sa.update(ExecutionConnection).values(reconciled_at=at))


def tick_at(seconds_ago: float) -> None:
    end_read()
    with transaction() as session:
        moment = utcnow() - timedelta(seconds=seconds_ago)
        session.add(JobLease(job="sync_connections", tick=int(moment.timestamp()), started_at=moment))


def age_signal(seconds: float) -> None:
    """The signal was published so long ago."""
    end_read()
    with transaction() as session:
        session.execute(
            sa.text("UPDATE signals SET published_at = published_at - make_interval(secs => :s)"),
            {"s": seconds},
        )


def test_entry_on_an_account_never_compared_compares_it_first_and_is_placed(desk: Desk, venue: str) -> None:
    account(desk, venue)
    assert connection().reconciled_at is None
    execution = desk.trade()
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert connection().reconciled_at is not None
    assert VENUES[venue] in connection().reconciled_markets


def test_entry_on_a_compared_account_asks_nothing_more(desk: Desk, venue: str) -> None:
    account(desk, venue)
    desk.trade(sl="40000")
    desk.sandbox.reset_requests()
    desk.trade(sl="40000")
    asked = desk.sandbox.requests()["by_endpoint"]
    assert "positions" not in asked
    assert asked["order"] == 1
    statements: list[str] = []

    def note(*call: object) -> None:
        statements.append(str(call[2]))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    desk.trade(sl="40000")
    sa.event.remove(db.engine, "before_cursor_execute", note)
    assert any("INSERT INTO orders" in each for each in statements)
    assert [each for each in statements if "book_differences" in each or "SET reconciled_at" in each] == []


def test_entry_when_the_comparison_fails_waits_and_then_is_denied_with_its_own_code(desk: Desk) -> None:
    account(desk, "sandboxusdm")
    desk.sandbox.add_fault("http_before", "positions", status=500)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.PENDING
    assert execution.code == "NOT_RECONCILED"
    assert desk.accepted() == 0
    desk.later(5)
    assert desk.run(execution).status is ExecutionStatus.PENDING
    age_signal(61)
    desk.later(5)
    execution = desk.run(execution)
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "NOT_RECONCILED")
    assert "could not be compared" in (execution.message or "")
    assert "positions could not be read" in (execution.message or "")
    assert desk.accepted() == 0


def test_waiting_entry_when_the_sweeper_ends_it_says_what_it_waited_for(desk: Desk) -> None:
    account(desk, "sandboxusdm")
    desk.sandbox.add_fault("http_before", "positions", status=500)
    execution = desk.trade()
    age_signal(61)
    with transaction() as session:
        session.execute(sa.update(Execution).values(next_attempt_at=utcnow() + timedelta(minutes=1)))
    assert expiring.expire_waiting(10) == 1
    (execution,) = desk.executions()
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "NOT_RECONCILED")


def test_entry_when_the_exchange_answers_again_is_placed_once(desk: Desk) -> None:
    account(desk, "sandboxusdm")
    desk.sandbox.add_fault("http_before", "positions", status=500, nth=[1])
    execution = desk.trade()
    assert execution.status is ExecutionStatus.PENDING
    desk.later(5)
    assert desk.run(execution).status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_close_while_the_account_cannot_be_compared_passes(desk: Desk) -> None:
    account(desk, "sandboxusdm")
    assert desk.trade().status is ExecutionStatus.FILLED
    compared_at(None)
    desk.sandbox.add_fault("http_before", "positions", status=500)
    desk.trade(action="close")
    desk.close_wanted()
    assert desk.held("alpha") == 0
    assert desk.accepted() == 2


def test_comparison_that_is_too_old_counts_no_more(desk: Desk) -> None:
    account(desk, "sandboxusdm")
    desk.trade()
    compared_at(20 * 60)
    assert not standing.is_done(connection())
    desk.sandbox.reset_requests()
    desk.trade()
    assert desk.sandbox.requests()["by_endpoint"]["positions"] == 1
    assert standing.is_done(connection())


@pytest.mark.parametrize(("quiet", "starts_anew"), [(70, False), (299, False), (301, True), (86_000, True)])
def test_pause_of_the_whole_system_when_longer_than_five_minutes_starts_anew(
    desk: Desk, quiet: float, starts_anew: bool
) -> None:
    account(desk, "sandbox")
    tick_at(quiet)
    compared_at(quiet)
    assert standing.start_anew_after_downtime() == int(starts_anew)
    assert (connection().reconciled_at is None) is starts_anew


def test_account_compared_after_the_restart_is_not_asked_again_by_the_next_worker(desk: Desk) -> None:
    account(desk, "sandbox")
    tick_at(3600)
    compared_at(5)
    assert standing.start_anew_after_downtime() == 0
    assert standing.is_done(connection())


@pytest.mark.parametrize("change", ["off and on", "new key", "recovered"])
def test_account_that_was_away_is_compared_again(desk: Desk, change: str) -> None:
    account(desk, "sandbox")
    compared_at(0)
    with transaction():
        row = connection()
        if change == "off and on":
            row.is_active = False
            row.is_active = True
        elif change == "new key":
            row.set_credentials({**row.get_credentials(), "secret": "another"})
        else:
            row.mark_as_error("it was refused")
            row.mark_as_active()
    assert connection().reconciled_at is None


def test_empty_spot_accounts_are_compared_by_the_tick_without_a_request(desk: Desk) -> None:
    account(desk, "sandbox")
    old = desk.account("beta").id
    assert len(desk.publish()) == 2
    desk.run_all()
    end_read()
    with transaction() as session:  # a deleted connection leaves its rows behind
        session.execute(sa.update(Execution).values(connection_id=None))
        session.execute(sa.update(ExecutionPosition).values(connection_id=None))
        session.execute(sa.update(Order).values(connection_id=None))
        session.execute(sa.delete(ExecutionConnection).where(ExecutionConnection.id == old))
    compared_at(None)
    desk.sandbox.reset_requests()
    assert reconciliation.sync_connections() == 0
    assert standing.is_done(connection())
    assert desk.sandbox.requests()["total"] == 0


def test_empty_swap_accounts_are_compared_by_a_job_of_one_read(desk: Desk) -> None:
    account(desk, "sandboxusdm")
    desk.trade()
    desk.trade(action="close")
    desk.close_wanted()
    compared_at(None)
    assert reconciliation.sync_connections() == 1
    desk.sandbox.reset_requests()
    reconciliation.sync_connection(connection().id)
    assert standing.is_done(connection())
    assert desk.sandbox.requests()["by_endpoint"] == {"positions": 1}
    assert reconciliation.sync_connections() == 0
