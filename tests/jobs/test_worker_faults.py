"""A worker process under signals and kill -9, and workers whose Redis goes away."""

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Worker
from rq.registry import FailedJobRegistry, FinishedJobRegistry

from portal.jobs import keys
from portal.jobs.engine.lanes import Offer
from portal.jobs.queues import JobQueues
from portal.jobs.table import ORDERS
from tests.helpers import eventually
from tests.jobs.conftest import StartWorker, why
from tests.jobs.redis_server import RedisServer
from tests.jobs.sample_jobs import marks

ROOT = Path(__file__).parent.parent.parent
Process = subprocess.Popen[str]
Spawn = Callable[[], Process]


@pytest.fixture
def spawn(redis_server: RedisServer, redis: Redis) -> Iterator[Spawn]:
    """Call it to get a worker process that is listening."""
    processes: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        known = redis.smembers(keys.WORKERS)
        argv = [sys.executable, "-m", "tests.jobs.worker_process", redis_server.url]
        process = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        eventually(lambda: redis.smembers(keys.WORKERS) - known, timeout=20, what="the worker registers")
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def busy(queues: JobQueues, redis: Redis, spawn: Spawn) -> Process:
    """A worker process in the middle of a job."""
    process = spawn()
    queues.enqueue("hold", 1)
    eventually(lambda: marks(redis) == ["holding 1"])
    return process


def test_worker_when_asked_to_stop_then_it_finishes_its_job_takes_no_other_and_exits_with_zero(
    queues: JobQueues, redis: Redis, busy: Process
) -> None:
    busy.send_signal(signal.SIGTERM)
    busy.send_signal(signal.SIGINT)
    time.sleep(0.3)
    queues.enqueue("order", 2)
    redis.set("release", 1)
    assert busy.wait(timeout=5) == 0
    assert marks(redis) == ["holding 1", "released 1"]
    assert len(Queue(ORDERS, connection=redis).job_ids) == 1
    assert Worker.all(connection=redis) == []
    assert FinishedJobRegistry(ORDERS, connection=redis).get_job_count() == 1


def test_worker_when_the_signal_comes_twice_then_it_leaves_at_once(busy: Process) -> None:
    busy.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        busy.wait(timeout=1.2)
    busy.send_signal(signal.SIGTERM)
    assert busy.wait(timeout=1) == 1


def test_worker_when_a_job_outlasts_the_warm_shutdown_then_it_says_so_and_exits_with_zero(
    redis: Redis, busy: Process
) -> None:
    busy.send_signal(signal.SIGTERM)
    assert busy.wait(timeout=20) == 0
    [job_id] = FailedJobRegistry(ORDERS, connection=redis).get_job_ids()
    assert why(redis, job_id).startswith("The worker was told to stop and the job did not end in time.")


def test_worker_when_killed_then_another_records_its_job_as_failed_and_repeats_nothing(
    redis: Redis, spawn: Spawn, busy: Process
) -> None:
    busy.kill()
    busy.wait()
    spawn()
    eventually(lambda: FailedJobRegistry(ORDERS, connection=redis).get_job_count() == 1)
    [job_id] = FailedJobRegistry(ORDERS, connection=redis).get_job_ids()
    assert "disappeared" in why(redis, job_id)
    eventually(lambda: len(redis.smembers(keys.WORKERS)) == 1)
    assert marks(redis) == ["holding 1"]


def test_worker_when_asked_to_stop_between_fetch_and_start_then_the_jobs_go_back_to_the_front(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker()
    worker.request_stop(signal.SIGTERM, None)
    eventually(lambda: redis.smembers(keys.WORKERS) == set() and not running_threads("job-upkeep"))
    queues.enqueue_many("order", range(4))
    waiting = Queue(ORDERS, connection=redis).job_ids
    taken = worker._intake.take(Offer((ORDERS,), 3), 0)
    assert taken == (ORDERS, waiting[:3])
    worker._intake.give_back(taken)
    assert Queue(ORDERS, connection=redis).job_ids == waiting
    assert marks(redis) == []


def test_f22_worker_when_redis_restarts_then_it_goes_on_and_logs_one_line_per_outage(
    redis_server: RedisServer,
    queues: JobQueues,
    redis: Redis,
    start_worker: StartWorker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    start_worker()
    for row in (1, 2):
        redis_server.kill()
        eventually(lambda row=row: caplog.text.count("cannot use Redis") == row)  # type: ignore[misc]
        time.sleep(0.5)
        redis_server.start()
        eventually(lambda row=row: queues.enqueue("order", row))  # type: ignore[misc]
        eventually(lambda row=row: f"order {row}" in marks(redis))  # type: ignore[misc]
    assert caplog.text.count("cannot use Redis") == 2
    eventually(lambda: caplog.text.count("uses Redis again") == 2)


def test_f22_worker_when_redis_is_away_at_the_end_of_a_job_then_the_end_is_recorded_later(
    redis_server: RedisServer,
    queues: JobQueues,
    redis: Redis,
    start_worker: StartWorker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    queues.enqueue("listen", 1)
    start_worker()
    eventually(lambda: marks(redis) == ["listening 1"])
    redis_server.kill()
    eventually(lambda: "its thread was given up" in caplog.text)
    redis_server.start()
    eventually(lambda: FailedJobRegistry("default", connection=redis).get_job_count() == 1)
    assert redis.zcard(keys.started("default")) == 0


def test_f21_worker_when_redis_is_flushed_then_it_registers_again_and_goes_on(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker()
    eventually(lambda: Worker.all(connection=redis))
    redis.flushall()
    eventually(lambda: [each.name for each in Worker.all(connection=redis)] == [worker.name])
    queues.enqueue("order", 1)
    eventually(lambda: marks(redis) == ["order 1"])


def running_threads(prefix: str) -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(prefix)]
