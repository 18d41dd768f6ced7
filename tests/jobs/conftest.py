"""A Redis per test, and workers in threads of the test."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
from redis import Redis, RedisError
from rq.job import Job

from portal.jobs.engine.upkeep import Pace
from portal.jobs.queues import JobQueues, connect
from portal.jobs.serializing import refuse_pickle
from portal.jobs.worker import PortalWorker
from tests.jobs import sample_jobs
from tests.jobs.redis_server import RedisServer

#: Everything by the clock happens soon.
QUICK = Pace(
    wait=0.1, due=0.05, heartbeat=0.2, clean=0.2, job_lease=1.0, worker_lease=2, limits=0.05, grace=0.3
)

StartWorker = Callable[..., PortalWorker]


def why(redis: Redis, job_id: str) -> str:
    """The reason of its failure, as the dashboard shows it."""
    result = Job.fetch(job_id, connection=redis).latest_result()
    return result.exc_string or "" if result else ""


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with closing(RedisServer()) as server:
        server.start()
        yield server


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[Redis]:
    refuse_pickle()
    with connect(redis_server.url) as client:
        sample_jobs.use_redis(client)
        yield client


@pytest.fixture
def queues(redis: Redis) -> JobQueues:
    return JobQueues(redis, sample_jobs.TABLE)


@pytest.fixture
def start_worker(redis_server: RedisServer, redis: Redis) -> Iterator[StartWorker]:
    """Call it to get a worker that runs in a thread until the test is over."""
    started: list[tuple[PortalWorker, threading.Thread, Redis]] = []

    def start(concurrency: int = 4, **options: object) -> PortalWorker:
        client = connect(redis_server.url, timeout=5)
        options = {"jobs": sample_jobs.TABLE, "pace": QUICK, "warm_shutdown": 2.0} | options
        worker = PortalWorker(client, lambda call: call(), concurrency=concurrency, **options)  # type: ignore[arg-type]
        thread = threading.Thread(target=worker.work, daemon=True)
        thread.start()
        started.append((worker, thread, client))
        return worker

    yield start
    for worker, _, _ in started:
        worker.request_stop(signal.SIGTERM, None)
    with suppress(RedisError):  # a failed test may leave its Redis dead
        redis.set("release", 1)
    for _, thread, client in started:
        thread.join(timeout=10)
        assert not thread.is_alive(), "the worker did not stop"
        client.close()
