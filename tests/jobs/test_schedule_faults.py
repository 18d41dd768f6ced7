"""A scheduler that dies in the middle of a write, and a Redis that is away for long or for short."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from redis.connection import AbstractConnection

from portal.jobs import keys
from portal.jobs.clock import Clock
from portal.jobs.engine.outage import LONGEST_PAUSE, Outage
from portal.jobs.periodic import PERIODIC
from portal.jobs.queues import JobQueues, connect
from portal.jobs.schedule import entries, schedule_id, sync_schedule
from portal.jobs.table import WATCH
from tests.helpers import eventually
from tests.jobs.conftest import StartWorker
from tests.jobs.redis_server import RedisServer
from tests.jobs.sample_jobs import marks
from tests.jobs.test_schedule import queued, scheduled, stop

SWEEP = schedule_id("sweep")
StartClock = Callable[[], Clock]


@pytest.fixture
def start_clock(redis_server: RedisServer, redis: Redis) -> Iterator[StartClock]:
    """Call it to get a scheduler that runs in a thread until the test is over."""
    clocks: list[Clock] = []
    threads: list[threading.Thread] = []

    def start() -> Clock:
        clocks.append(Clock(connect(redis_server.url, timeout=1), entries(), sync_schedule, 0.05))
        threads.append(threading.Thread(target=clocks[-1].run))
        threads[-1].start()
        return clocks[-1]

    yield start
    stop(clocks, threads)


@pytest.mark.parametrize("tenths", range(11))
def test_f24_scheduler_when_it_dies_in_the_middle_of_its_writes_loses_no_schedule_and_doubles_no_tick(
    redis: Redis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, tenths: int
) -> None:
    """It has sent so many tenths of what queues the tick and notes the next one when it is killed."""
    dying = Clock(connect(redis_server.url), entries(), sync_schedule)
    dying.look()
    redis.delete(keys.queue(WATCH))
    redis.zadd(Clock.scheduled_jobs_key, {SWEEP: 1})
    send = AbstractConnection.send_packed_command

    def die(self: AbstractConnection, command: object, check_health: bool = True) -> None:
        data = b"".join(command) if isinstance(command, list) else command
        assert isinstance(data, bytes)
        if b"EXEC" not in data or b"ZADD" not in data:
            send(self, command, check_health)
            return
        send(self, [data[: len(data) * tenths // 10]], check_health)
        self.disconnect()
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "send_packed_command", die)
        with pytest.raises(SystemExit):
            dying.enqueue_jobs()
    redis.delete(Clock.scheduler_lock_key)  # it expires by itself after eleven seconds
    sent_all = tenths == 10
    eventually(lambda: queued(redis, WATCH) == (["sweep"] if sent_all else []), timeout=2)
    assert SWEEP in scheduled(redis)
    if not sent_all:
        assert scheduled(redis)[SWEEP] == 1, "it is still due"

    after = Clock(connect(redis_server.url), entries(), sync_schedule)
    after.look()
    assert queued(redis, WATCH) == ["sweep"]
    assert len(scheduled(redis)) == len(PERIODIC)


def test_f22_outage_when_it_lasts_a_quarter_of_an_hour_is_tried_again_every_three_seconds() -> None:
    outage, waited, tries = Outage("somebody"), 0.0, 0
    while waited < 15 * 60:
        waited += outage.failed(ConnectionError("away"))
        tries += 1
    assert tries < 15 * 60 / LONGEST_PAUSE + 10, "no storm"
    assert outage.failed(ConnectionError("away")) == LONGEST_PAUSE, "and back within three seconds"
    outage.worked()
    assert outage.failed(ConnectionError("away")) < 1


@pytest.mark.parametrize("after", ["a second", "a quarter of an hour"])
def test_f22_scheduler_and_worker_when_redis_was_away_go_on_by_themselves(
    redis_server: RedisServer,
    redis: Redis,
    queues: JobQueues,
    start_worker: StartWorker,
    start_clock: StartClock,
    after: str,
) -> None:
    worker, clock = start_worker(), start_clock()
    eventually(lambda: len(scheduled(redis)) == len(PERIODIC))
    redis_server.kill()
    if after == "a quarter of an hour":
        # As far as they have slowed down by then.
        for outage in (worker._outage, clock._outage):
            while outage.failed(ConnectionError("away")) < LONGEST_PAUSE:
                pass
    time.sleep(0.5)
    redis_server.start()
    back = time.monotonic()
    redis.delete(keys.queue(WATCH), Clock.scheduler_lock_key)  # which expires by itself after ten seconds
    redis.zadd(Clock.scheduled_jobs_key, {SWEEP: 1})
    assert queues.enqueue("order", 1)
    eventually(lambda: "order 1" in marks(redis), timeout=25, what="the worker works")
    eventually(lambda: scheduled(redis).get(SWEEP, 1) > 1, timeout=25, what="the tick is suggested")
    assert time.monotonic() - back < 30
