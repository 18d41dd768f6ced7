"""One run per tick, whoever asks: with a real PostgreSQL and threads."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.jobs.periodic import DAY
from portal.jobs.ticks import tick
from portal.models import JobLease
from portal.services import leases
from tests.helpers import at_once


def rows() -> list[JobLease]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(JobLease).order_by(JobLease.id)))


def test_f09_f23_take_when_eight_ask_for_one_tick_then_one_has_it(app: Flask) -> None:
    answers = at_once(app, [lambda: leases.take("job", DAY, "me")] * 8)
    assert [answer for answer in answers if answer is not None] == [rows()[0].tick]
    assert len(rows()) == 1


def test_take_when_the_tick_is_a_day_then_it_begins_at_midnight_utc(app: Flask) -> None:
    taken = leases.take("job", DAY, "me")
    assert taken is not None
    begin = datetime.fromtimestamp(taken, UTC)
    assert (begin.hour, begin.minute, begin.second) == (0, 0, 0)
    assert leases.take("job", DAY, "me") is None
    assert leases.take("another", DAY, "me") == taken


def test_take_when_the_next_tick_has_come_then_it_is_free_again(app: Flask) -> None:
    first = leases.take("job", 3600, "me")
    assert first is not None
    db.session.execute(sa.update(JobLease).values(tick=JobLease.tick - 3600))
    db.session.commit()
    assert leases.take("job", 3600, "me") == first


def test_take_when_rows_are_old_then_they_are_dropped_and_those_of_others_kept(app: Flask) -> None:
    old = 10 * 24 * 3600
    for job in ("job", "another"):
        db.session.add(JobLease(job=job, tick=int(datetime.now(UTC).timestamp()) - old, owner="me"))
    db.session.commit()
    leases.take("job", 10, "me")
    assert sorted(row.job for row in rows()) == ["another", "job"]
    assert leases.take("daily", DAY, "me") is not None
    assert len(rows()) == 3


def test_finish_when_called_then_the_row_says_when(app: Flask) -> None:
    taken = leases.take("job", DAY, "me")
    assert taken is not None
    assert rows()[0].finished_at is None
    leases.finish("job", taken)
    assert rows()[0].finished_at is not None


def test_f25_tick_when_ten_copies_of_a_job_piled_up_then_it_runs_once(app: Flask) -> None:
    ran: list[int] = []

    @tick
    def update_analytics() -> None:
        ran.append(1)

    at_once(app, [update_analytics] * 10)
    assert ran == [1]
    assert rows()[0].finished_at is not None


def test_f61_nightly_job_when_it_was_killed_is_taken_up_again_an_hour_later_and_once_it_ended_never(
    app: Flask,
) -> None:
    ran: list[int] = []

    @tick
    def update_analytics() -> None:
        ran.append(1)
        if len(ran) == 1:
            raise SystemExit(9)

    def an_hour_later() -> None:
        past = sa.literal(timedelta(hours=1, seconds=1), sa.Interval)
        db.session.execute(sa.update(JobLease).values(started_at=JobLease.started_at - past))
        db.session.commit()
        at_once(app, [update_analytics] * 4)

    with pytest.raises(SystemExit):
        update_analytics()
    at_once(app, [update_analytics] * 4)
    assert ran == [1], "it may still be running"
    an_hour_later()
    assert ran == [1, 1]
    an_hour_later()
    assert ran == [1, 1], "it ended well"
    assert len(rows()) == 1


def test_tick_when_the_run_fails_then_it_is_not_repeated_at_once(app: Flask) -> None:
    ran: list[int] = []

    @tick
    def verify_books() -> None:
        ran.append(1)
        raise RuntimeError("out of balance")

    with pytest.raises(RuntimeError, match="out of balance"):
        verify_books()
    verify_books()
    assert ran == [1]
    assert rows()[0].finished_at is None
