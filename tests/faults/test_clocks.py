"""Ticks and leases under several schedulers, pauses, jumps of the clock and summer time (F23, F25, F28)."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import ProgrammingError

from portal.db import db, end_read
from portal.jobs.periodic import DAY, PERIODIC, Periodic
from portal.jobs.ticks import tick
from portal.services import claims, leases
from tests.faults.shifted_clock import shifted_clock
from tests.faults.sizes import HOURS, takes_long
from tests.services.desk import Desk

NIGHT = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def moments(entry: Periodic, hours: int, seed: int) -> list[datetime]:
    """When the ticks of three schedulers reach a worker: each as the table says, some of them late by a
    pause, some twice because a lock had expired meanwhile."""
    chance = random.Random(seed)
    found = []
    for _ in range(3):
        at = NIGHT + timedelta(seconds=chance.uniform(0, 5))
        while at < NIGHT + timedelta(hours=hours):
            late = timedelta(seconds=chance.choice((0, 0, 0, 0, 0.4 * entry.interval)))
            found += [at + late] * chance.choice((1, 1, 1, 2))
            at = entry.next(at)
    return sorted(found)


@takes_long
@pytest.mark.parametrize(("name", "hours"), [("check_connections", 24), ("check_positions", HOURS)])
def test_f23_periodic_job_when_three_schedulers_suggest_it_all_day_runs_exactly_once_per_tick(
    app: Flask, name: str, hours: int
) -> None:
    [entry] = [each for each in PERIODIC if each.name == name]
    ran: Counter[int] = Counter()
    with shifted_clock(NIGHT) as set_time:
        suggested = moments(entry, hours, seed=23)
        for moment in suggested:
            set_time(moment)
            taken = leases.take(name, entry.interval, "somebody")
            if taken is not None:
                ran[int(moment.timestamp()) // entry.interval] += 1
                assert taken == int(moment.timestamp()) // entry.interval * entry.interval
    ticks = hours * 3600 // entry.interval
    assert len(suggested) > 3 * ticks
    assert set(ran.values()) == {1}
    assert ticks <= len(ran) <= ticks + 1, "and none was left out"


def test_f28_nightly_job_when_the_databases_clock_jumps_an_hour_and_back_runs_once_a_night(
    app: Flask,
) -> None:
    nights: list[str] = []
    day = datetime(2026, 11, 22, tzinfo=UTC)
    seen = [
        day + HOUR / 12,  # 00:05 of the 22nd
        day + 23 * HOUR,
        day + 24 * HOUR + HOUR / 12,  # 23:05, and the clock says 00:05 of the 23rd
        day + 23.2 * HOUR,  # put right again
        day + 24 * HOUR + HOUR / 12,  # the real midnight
        day + 25 * HOUR + HOUR / 12,
        day + 24.5 * HOUR,  # an hour back
        day + 48 * HOUR + HOUR / 12,
    ]

    @tick
    def update_analytics() -> None:
        nights.append(f"{moment:%d}")

    with shifted_clock(day) as set_time:
        for moment in seen:
            set_time(moment)
            update_analytics()
    assert nights == ["22", "23", "24"]


@pytest.mark.parametrize(("jump", "free"), [(timedelta(seconds=29), False), (timedelta(seconds=31), True)])
def test_f28_claim_is_measured_by_the_databases_clock_alone(
    app: Flask, desk: Desk, jump: timedelta, free: bool
) -> None:
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    end_read()
    with shifted_clock(NIGHT) as set_time:
        assert claims.claim(key) is not None
        set_time(NIGHT + jump)
        assert (claims.claim(key) is not None) is free


def test_f28_clock_of_the_database_that_the_tests_move_is_really_the_one_that_decides(app: Flask) -> None:
    with shifted_clock(NIGHT) as set_time:
        assert leases.take("job", DAY, "me") == int(NIGHT.replace(hour=0, minute=0, second=0).timestamp())
        set_time(NIGHT + timedelta(days=1))
        assert leases.take("job", DAY, "me") is not None
    with pytest.raises(ProgrammingError):
        end_read()
        db.session.connection().exec_driver_sql("SELECT shifted.now()")
