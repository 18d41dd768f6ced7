"""The schedule in Redis, and the clock that reads it, with a real Redis."""

import itertools
import json
import threading
import time
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from redis import Redis
from rq.job import Job

from portal.jobs import clock as clock_module
from portal.jobs import keys
from portal.jobs.clock import Clock
from portal.jobs.periodic import DAY, PERIODIC, Periodic
from portal.jobs.queues import connect
from portal.jobs.schedule import entries, schedule_id, sync_schedule
from portal.jobs.table import DEFAULT, JOBS, WATCH
from tests.helpers import eventually
from tests.jobs.redis_server import RedisServer

SWEEP = schedule_id("sweep")


@pytest.fixture
def clock(redis: Redis) -> Clock:
    return Clock(redis, entries(), sync_schedule)


def scheduled(redis: Redis) -> dict[str, float]:
    return {
        name.decode(): due for name, due in redis.zrange(Clock.scheduled_jobs_key, 0, -1, withscores=True)
    }


def queued(redis: Redis, queue: str) -> list[str]:
    """Names of the jobs that wait there, first in front."""
    ids = [each.decode() for each in redis.lrange(keys.queue(queue), 0, -1)]
    return [each.rpartition("-")[0] for each in ids]


def test_sync_schedule_when_redis_is_empty_then_every_periodic_job_is_there(
    redis: Redis, clock: Clock
) -> None:
    sync_schedule(clock)
    assert scheduled(redis).keys() == {schedule_id(entry.name) for entry in PERIODIC}
    sweep = Job.fetch(SWEEP, connection=redis)
    assert (sweep.func_name, sweep.origin, sweep.meta) == (JOBS["sweep"].function, WATCH, {"interval": 10})
    nightly = Job.fetch(schedule_id("update_analytics"), connection=redis)
    assert nightly.meta == {"cron_string": "5 0 * * *"}


def test_sync_schedule_when_all_is_right_then_nothing_is_written(redis: Redis, clock: Clock) -> None:
    sync_schedule(clock)
    redis.zadd(Clock.scheduled_jobs_key, {SWEEP: 4_000_000_000})
    before = redis.dump(keys.job(SWEEP)), scheduled(redis)
    sync_schedule(clock)
    assert (redis.dump(keys.job(SWEEP)), scheduled(redis)) == before


def test_sync_schedule_when_an_interval_changed_then_it_is_repaired(redis: Redis, clock: Clock) -> None:
    sync_schedule(clock)
    redis.hset(keys.job(SWEEP), "meta", json.dumps({"interval": 9999}))
    redis.zadd(Clock.scheduled_jobs_key, {SWEEP: 4_000_000_000})
    sync_schedule(clock)
    assert Job.fetch(SWEEP, connection=redis).meta == {"interval": 10}
    assert scheduled(redis)[SWEEP] <= datetime.now(UTC).timestamp()


@pytest.mark.parametrize("lost", ["entry", "record"])
def test_f24_sync_schedule_when_a_crash_lost_half_of_an_entry_then_it_is_whole_again(
    redis: Redis, clock: Clock, lost: str
) -> None:
    sync_schedule(clock)
    if lost == "entry":
        redis.zrem(Clock.scheduled_jobs_key, SWEEP)
    else:
        redis.delete(keys.job(SWEEP))
    sync_schedule(clock)
    assert SWEEP in scheduled(redis)
    assert Job.fetch(SWEEP, connection=redis).func_name == JOBS["sweep"].function


def test_sync_schedule_when_entries_are_not_in_the_table_then_they_are_removed(
    redis: Redis, clock: Clock
) -> None:
    sync_schedule(clock)
    redis.zadd(Clock.scheduled_jobs_key, {"old-job": 1, b"\xff\xfe": 1})
    redis.hset(keys.job("old-job"), "data", json.dumps(["os.system", None, ["id"], {}]))
    sync_schedule(clock)
    assert len(scheduled(redis)) == len(PERIODIC)
    assert not redis.exists(keys.job("old-job"))


def test_clock_when_jobs_are_due_then_each_is_queued_once_and_due_again_later(
    redis: Redis, clock: Clock
) -> None:
    clock.look()
    assert sorted(queued(redis, WATCH)) == ["check-positions", "sweep", "sync-connections"]
    assert "check-connections" in queued(redis, DEFAULT)
    clock.look()
    assert len(queued(redis, WATCH)) == 3
    now = datetime.now(UTC).timestamp()
    assert all(now < due <= now + DAY for due in scheduled(redis).values())
    assert not redis.exists(Clock.scheduler_lock_key)


def test_f25_clock_when_no_worker_takes_ticks_then_they_do_not_pile_up_and_stay_in_front(
    redis: Redis, clock: Clock
) -> None:
    for round_ in range(3):
        redis.rpush(keys.queue(WATCH), f"sync-connection-{round_}")
        redis.zadd(Clock.scheduled_jobs_key, {SWEEP: 1})
        clock.look()
    assert queued(redis, WATCH).count("sweep") == 1
    assert queued(redis, WATCH)[0] == "sweep"


def test_f26_clock_when_a_foreign_entry_is_due_then_it_is_dropped_and_not_queued(
    redis: Redis, clock: Clock
) -> None:
    clock.look()
    redis.delete(keys.queue(WATCH), keys.queue(DEFAULT))
    redis.hset(keys.job("forged"), mapping={"data": '["os.system",null,["id"],{}]', "origin": WATCH})
    redis.zadd(Clock.scheduled_jobs_key, {"forged": 1})
    clock.enqueue_jobs()
    assert "forged" not in scheduled(redis)
    assert redis.llen(keys.queue(WATCH)) == redis.llen(keys.queue(DEFAULT)) == 0


def test_f23_clocks_when_three_run_then_each_tick_is_queued_once(
    redis_server: RedisServer, redis: Redis
) -> None:
    clocks = [Clock(connect(redis_server.url), entries(), sync_schedule, 0.02) for _ in range(3)]
    threads = [threading.Thread(target=each.run) for each in clocks]
    for thread in threads:
        thread.start()
    eventually(lambda: redis.llen(keys.queue(WATCH)) == 3)
    stop(clocks, threads)
    assert sorted(queued(redis, WATCH)) == ["check-positions", "sweep", "sync-connections"]


def test_f23_clock_when_another_took_its_expired_lock_then_it_leaves_that_lock_alone(
    redis: Redis, clock: Clock
) -> None:
    assert clock.acquire_lock()
    redis.set(Clock.scheduler_lock_key, "another")
    clock.remove_lock()
    assert redis.get(Clock.scheduler_lock_key) == b"another"
    clock.look()
    assert queued(redis, WATCH) == []


@pytest.mark.parametrize("fault", ["flushed", "killed"])
def test_f20_f21_clock_when_redis_loses_everything_then_the_schedule_heals_without_help(
    redis_server: RedisServer, redis: Redis, fault: str
) -> None:
    clock = Clock(connect(redis_server.url, timeout=1), entries(), sync_schedule, 0.05)
    thread = threading.Thread(target=clock.run)
    thread.start()
    eventually(lambda: len(scheduled(redis)) == len(PERIODIC))
    if fault == "killed":
        redis_server.kill()
        redis_server.start()
    redis.flushall()
    eventually(lambda: len(scheduled(redis)) == len(PERIODIC))
    eventually(lambda: redis.llen(keys.queue(WATCH)) == 3)
    stop([clock], [thread])


@pytest.mark.parametrize("entry", PERIODIC, ids=lambda entry: entry.name)
def test_periodic_job_when_followed_through_its_ticks_then_each_has_one_suggestion_and_a_day_one_an_hour(
    entry: Periodic,
) -> None:
    moment = datetime(2026, 11, 23, 0, 0, 0, tzinfo=UTC)
    end = moment + timedelta(hours=48 if entry.at else 2)
    length = 3600 if entry.at else entry.interval
    ticks = []
    while (moment := entry.next(moment)) < end:
        ticks.append(int(moment.timestamp()) // length)
    assert len(ticks) == len(set(ticks)) == round((ticks[-1] - ticks[0]) + 1)


def test_daily_job_when_its_hour_has_passed_then_it_is_due_at_once_and_again_every_hour() -> None:
    [entry] = [entry for entry in PERIODIC if entry.name == "update_analytics"]
    noon = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert entry.first(noon) == datetime(2026, 11, 23, 0, 5, tzinfo=UTC)
    assert entry.next(noon) == datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
    assert entry.next(noon.replace(hour=23, minute=30)) == datetime(2026, 11, 24, 0, 5, tzinfo=UTC)


def jump(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    """Put the wall clock of the schedulers forward or back; what is monotonic stays."""

    class Jumped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=hours)

    monkeypatch.setattr(clock_module, "datetime", Jumped)


@pytest.mark.parametrize("hours", [1, -1])
def test_f28_clock_when_it_jumps_and_jumps_back_then_sweeps_and_checks_are_suggested_at_once(
    redis: Redis, clock: Clock, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """What was due in ten seconds by the wrong clock would else be due in an hour by the right one."""
    clock.look()
    for shift in (hours, 0):
        redis.delete(keys.queue(WATCH))
        with monkeypatch.context() as patch:
            jump(patch, shift)
            clock.look()
        assert {"check-positions", "sweep"} <= set(queued(redis, WATCH)), f"at {shift} h"
    soon = datetime.now(UTC).timestamp() + 65
    assert scheduled(redis)[SWEEP] < soon
    assert scheduled(redis)[schedule_id("check_positions")] < soon


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Pacific/Apia"])
@pytest.mark.parametrize("day", [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_f28_nightly_job_when_the_machine_changes_to_or_from_summer_time_then_it_is_due_once_a_day(
    monkeypatch: pytest.MonkeyPatch, zone: str, day: datetime
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        entry = entries()[schedule_id("update_analytics")]
        moment, firsts = day - timedelta(days=2), []
        while (moment := entry.next(moment)) < day + timedelta(days=3):
            if moment.hour == 0:
                firsts.append(moment)
        assert [each.minute for each in firsts] == [5] * len(firsts)
        assert {b - a for a, b in itertools.pairwise(firsts)} == {timedelta(days=1)}
    finally:
        monkeypatch.undo()
        time.tzset()


def stop(clocks: list[Clock], threads: list[threading.Thread]) -> None:
    for clock in clocks:
        clock.stop()
    for thread in threads:
        thread.join(timeout=5)
        assert not thread.is_alive()
    for clock in clocks:
        clock.connection.close()
