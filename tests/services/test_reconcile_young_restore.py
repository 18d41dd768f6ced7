"""F60, a restore that no pause gives away: Redis remembers a row that the restored database does not have."""

import pytest
import sqlalchemy as sa
from flask import current_app

from portal.db import db, end_read, transaction
from portal.jobs import executions
from portal.models import ExecutionConnection, JobLease, Notification
from portal.services import books, leases
from portal.services.reconciliation import restored, standing
from portal.trading.types import ExecutionStatus
from tests.services.desk import Desk
from tests.services.protected import VENUES, account
from tests.services.reconciled import cycle
from tests.services.test_reconcile_restore import back_up, restore


def sweep() -> bool:
    """What the job of the sweeper does first: take the tick, and look."""
    leases.take("sweep", 1, "a test")
    return restored.start_anew_after_restore()


def lose_the_newest() -> None:
    """The newest sweep, and all that came after it, was never committed; its numbers are given again."""
    end_read()
    with transaction() as session:
        first = session.scalar(sa.select(sa.func.max(JobLease.id)).where(JobLease.job == "sweep"))
        session.execute(sa.delete(JobLease).where(JobLease.id >= first))
        session.execute(sa.select(sa.func.setval("job_leases_id_seq", first, False)))


def alarms() -> int:
    wanted = sa.select(sa.func.count()).where(Notification.title == restored.TITLE)
    found = db.session.scalar(wanted) or 0
    end_read()
    return found


def compared() -> bool:
    row = db.session.execute(sa.select(ExecutionConnection).execution_options(populate_existing=True))
    done = standing.is_done(row.scalar_one())
    end_read()
    return done


@pytest.mark.parametrize("venue", list(VENUES))
def test_f60_restore_within_a_minute_when_redis_knows_a_newer_row_starts_anew_and_sends_nothing_again(
    desk: Desk, venue: str
) -> None:
    account(desk, venue)
    (execution,) = desk.publish(sl="45000")
    assert sweep() is False
    backup = back_up()
    assert sweep() is False
    assert desk.run(execution).status is ExecutionStatus.FILLED
    quantity = desk.position().quantity
    restore(backup, hours=0)
    lose_the_newest()
    assert compared(), "the pause alone gives nothing away"
    assert standing.start_anew_after_downtime() == 0
    assert sweep() is True
    assert (compared(), alarms()) == (False, 1)
    desk.run_all()
    cycle(desk)
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert (desk.position().quantity, desk.sent()) == (quantity, 1)
    assert books.verify() == []
    assert (sweep(), alarms()) == (False, 1), "once, and then the new rows are the truth"


def test_f60_restore_is_noticed_although_its_numbers_were_given_again(desk: Desk) -> None:
    assert sweep() is False
    [before] = db.session.scalars(sa.select(JobLease.id)).all()
    lose_the_newest()
    leases.take("sweep", 1, "a test")
    [after] = db.session.scalars(sa.select(JobLease.id)).all()
    end_read()
    assert before == after
    assert restored.start_anew_after_restore() is True


def test_f60_restore_is_noticed_by_the_job_of_the_sweeper(desk: Desk) -> None:
    sweep()
    end_read()
    with transaction() as session:
        session.execute(sa.delete(JobLease))
    executions.sweep()
    assert alarms() == 1
    rows = db.session.scalars(sa.select(JobLease.job).order_by(JobLease.job)).all()
    end_read()
    assert rows == ["restored", "sweep"]


def test_f60_gap_of_ids_is_left_by_a_noticed_restore(desk: Desk) -> None:
    account(desk, "sandboxusdm")
    first = desk.trade().id
    sweep()
    lose_the_newest()
    assert sweep() is True
    assert desk.trade(currency_pair="ETH/USDT", direction="buy").id > first + 1000


@pytest.mark.parametrize(
    "happening", ["nothing", "Redis is emptied", "Redis is restored, too", "old rows go"]
)
def test_f60_start_is_not_called_a_restore_when_no_row_was_lost(desk: Desk, happening: str) -> None:
    account(desk, "sandboxusdm")
    desk.trade()
    redis = current_app.extensions["portal_redis"]
    sweep()
    mark = redis.get(restored._MARK)
    if happening == "Redis is emptied":
        redis.flushdb()
    elif happening == "Redis is restored, too":
        sweep()
        redis.set(restored._MARK, mark)
    elif happening == "old rows go":
        assert 0 < redis.ttl(restored._MARK) < leases.KEEP.total_seconds(), "it is forgotten before its row"
    assert sweep() is False
    assert (compared(), alarms()) == (True, 0)


@pytest.mark.usefixtures("redis_away")
def test_f60_start_without_redis_is_not_called_a_restore(desk: Desk) -> None:
    leases.take("sweep", 1, "a test")
    assert restored.start_anew_after_restore() is False
