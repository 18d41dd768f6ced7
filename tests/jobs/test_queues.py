"""Asking for jobs: what lands in Redis, and what happens when Redis does not answer."""

import json
import logging
import time
from datetime import timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job, validate_job_id

from portal.jobs import keys
from portal.jobs.queues import JobQueues, connect, sparing
from portal.jobs.table import DEFAULT, NOTIFY, ORDERS
from tests.helpers import eventually
from tests.jobs.redis_server import RedisServer
from tests.jobs.sample_jobs import HERE, TABLE


def test_enqueue_when_redis_answers_then_rq_reads_the_job_back(queues: JobQueues, redis: Redis) -> None:
    assert queues.enqueue("order", 42)
    [job] = Queue(ORDERS, connection=redis).jobs
    assert (job.func_name, job.args, job.kwargs) == (f"{HERE}.mark_order", [42], {})
    assert (job.description, job.timeout, job.origin) == ("order(42)", 5, ORDERS)
    assert job.retries_left is None
    assert job.is_queued
    assert 0 < redis.ttl(job.key) <= 24 * 3600
    assert {queue.name for queue in Queue.all(connection=redis)} == {ORDERS}


def test_enqueue_when_a_row_is_asked_for_twice_then_both_jobs_have_legal_ids_of_their_own(
    queues: JobQueues, redis: Redis
) -> None:
    queues.enqueue("order", 42)
    queues.enqueue("order", 42)
    first, second = Queue(ORDERS, connection=redis).job_ids
    assert first != second
    for job_id in (first, second):
        validate_job_id(job_id)
        assert job_id.startswith("order-42-")


def test_f25_enqueue_when_sparing_then_a_job_that_waits_already_is_not_queued_once_more(
    queues: JobQueues, redis: Redis
) -> None:
    """A sweeper that doubles a backlog every ten seconds would keep it from ever ending."""
    queues.enqueue_many("order", [1, 42])
    with sparing():
        assert queues.enqueue_many("order", [1, 4, 42])
        assert queues.enqueue_many("order", [1, 4, 42])
    waiting = Queue(ORDERS, connection=redis)
    assert [job.args for job in waiting.jobs] == [[1], [42], [4]]
    redis.lpop(keys.queue(ORDERS))
    with sparing():
        assert queues.enqueue("order", 1), "it is lost, or runs: the rows decide"
    assert [job.args for job in waiting.jobs] == [[42], [4], [1]]
    assert queues.enqueue("order", 1)
    assert len(waiting) == 4, "whoever has news asks at once"


def test_enqueue_when_the_table_repeats_a_job_then_rq_knows_how_often(
    queues: JobQueues, redis: Redis
) -> None:
    queues.enqueue("flaky", 1)
    [job] = Queue(NOTIFY, connection=redis).jobs
    assert (job.retries_left, job.retry_intervals) == (2, [0, 0])


def test_enqueue_many_when_given_a_thousand_ids_then_they_wait_in_order(
    queues: JobQueues, redis: Redis
) -> None:
    assert queues.enqueue_many("order", range(1000))
    ids = Queue(ORDERS, connection=redis).job_ids
    assert len(set(ids)) == 1000
    assert [Job.fetch(job_id, connection=redis).args for job_id in (ids[0], ids[999])] == [[0], [999]]


def test_enqueue_many_when_the_table_spreads_a_job_then_its_jobs_are_due_one_after_the_other(
    queues: JobQueues, redis: Redis
) -> None:
    assert queues.enqueue_many("spread", range(10))
    assert Queue(DEFAULT, connection=redis).job_ids == []
    due = [at for _, at in redis.zrange(keys.scheduled(DEFAULT), 0, -1, withscores=True)]
    assert due == sorted(due)
    assert due[-1] - due[0] == pytest.approx(0.9, abs=0.01)
    assert queues.enqueue_many("spread", [7])
    assert len(Queue(DEFAULT, connection=redis).job_ids) == 1


def test_enqueue_many_when_there_are_no_ids_then_nothing_is_written(queues: JobQueues, redis: Redis) -> None:
    assert queues.enqueue_many("order", [])
    assert redis.dbsize() == 0


def test_enqueue_when_the_job_is_not_in_the_table_then_nothing_is_queued(
    queues: JobQueues, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    assert not queues.enqueue("os.system", 1)
    assert redis.dbsize() == 0
    assert "not in the table of jobs" in caplog.text


def test_enqueue_when_redis_is_down_then_it_answers_soon_and_logs_once(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.kill()
    with connect(redis_server.url) as client:
        queues = JobQueues(client, TABLE)
        began = time.monotonic()
        with caplog.at_level(logging.WARNING):
            assert not queues.enqueue("order", 1)
            assert not queues.enqueue_many("order", range(1000))
        assert time.monotonic() - began < 1.5
        assert len(caplog.records) == 1
        redis_server.start()
        assert queues.enqueue("order", 1)


def test_enqueue_when_redis_hangs_then_one_request_waits_and_the_next_do_not(
    redis_server: RedisServer, redis: Redis
) -> None:
    queues = JobQueues(redis, TABLE)
    assert queues.enqueue("order", 1)
    redis_server.freeze()
    began = time.monotonic()
    for _ in range(5):
        assert not queues.enqueue("order", 2)
    assert time.monotonic() - began < 1.5
    redis_server.thaw()
    eventually(lambda: queues.enqueue("order", 3))


def test_enqueue_when_redis_was_restarted_then_the_dead_connection_costs_no_job(
    redis_server: RedisServer, queues: JobQueues, redis: Redis
) -> None:
    assert queues.enqueue("order", 1)
    redis_server.kill()
    redis_server.start()
    assert queues.enqueue("order", 2)
    assert json.loads(redis.hget(keys.job(Queue(ORDERS, connection=redis).job_ids[-1]), "data") or b"")[
        2
    ] == [2]


def test_enqueue_many_when_a_job_is_wanted_later_then_it_waits_for_its_time(
    queues: JobQueues, redis: Redis
) -> None:
    before = time.time()
    assert queues.enqueue_many("order", [1, 2], after=timedelta(seconds=3))
    assert Queue(ORDERS, connection=redis).job_ids == []
    due = [at for _, at in redis.zrange(keys.scheduled(ORDERS), 0, -1, withscores=True)]
    assert due == [pytest.approx(before + 3, abs=0.5)] * 2
