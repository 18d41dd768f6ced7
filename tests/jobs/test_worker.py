"""The worker with a real Redis: what runs, in which order, how many at once, and what RQ shows of it."""

import time
from datetime import timedelta

from redis import Redis
from rq import Queue, Worker
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry

from portal.jobs import keys
from portal.jobs.queues import JobQueues
from portal.jobs.table import DEFAULT, NOTIFY, ORDERS, WATCH
from tests.helpers import eventually
from tests.jobs.conftest import StartWorker, why
from tests.jobs.sample_jobs import marks


def test_jobs_when_four_threads_are_free_then_they_run_at_the_same_time(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue_many("meet", [4, 4, 4])
    queues.enqueue("meet", 4)
    start_worker(concurrency=4, queues=[DEFAULT])
    eventually(lambda: marks(redis) == ["met"] * 4)


def test_exits_when_orders_wait_longer_then_exits_run_first(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue_many("order", range(3))
    queues.enqueue_many("exit", range(2))
    start_worker(concurrency=1)
    eventually(lambda: len(marks(redis)) == 5)
    assert marks(redis) == ["exit 0", "exit 1", "order 0", "order 1", "order 2"]


def test_watch_jobs_when_orders_fill_the_worker_then_a_thread_is_kept_for_them(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue_many("hold", range(10))
    start_worker(concurrency=4)
    eventually(lambda: len(marks(redis)) == 3)
    queues.enqueue("watch", 7)
    eventually(lambda: "watch 7" in marks(redis))
    assert len([mark for mark in marks(redis) if mark.startswith("holding")]) == 3


def test_orders_when_a_job_of_the_house_is_stuck_then_they_still_run(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue_many("spin", range(6))
    start_worker(concurrency=4)
    eventually(lambda: len(marks(redis)) == 2)
    queues.enqueue("order", 1)
    eventually(lambda: "order 1" in marks(redis), timeout=0.8)


def test_job_when_it_succeeds_then_rq_finds_it_finished(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue("order", 1)
    [job_id] = Queue(ORDERS, connection=redis).job_ids
    start_worker()
    finished = FinishedJobRegistry(ORDERS, connection=redis)
    eventually(lambda: finished.get_job_ids() == [job_id])
    job = Job.fetch(job_id, connection=redis)
    assert job.get_status() is JobStatus.FINISHED
    assert (job.description, job.func_name) == ("order(1)", "tests.jobs.sample_jobs.mark_order")
    assert job.started_at is not None
    assert job.ended_at is not None
    assert job.started_at <= job.ended_at
    assert StartedJobRegistry(ORDERS, connection=redis).get_job_ids(cleanup=False) == []
    assert 0 < redis.ttl(keys.job(job_id)) <= 600


def test_job_when_it_raises_then_rq_shows_the_reason_without_secrets(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue("fail", 1)
    [job_id] = Queue(DEFAULT, connection=redis).job_ids
    start_worker()
    eventually(lambda: FailedJobRegistry(DEFAULT, connection=redis).get_job_ids() == [job_id])
    reason = why(redis, job_id)
    assert "RuntimeError: the venue said api_key=***" in reason
    assert "0123456789abcdef" not in reason
    assert marks(redis) == ["fail 1"]


def test_job_when_the_table_says_so_then_it_is_repeated_after_a_failure(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue("flaky", 1)
    start_worker()
    eventually(lambda: marks(redis) == ["flaky 1"])
    assert redis.get("attempts 1") == b"2"
    eventually(lambda: FinishedJobRegistry(NOTIFY, connection=redis).get_job_count() == 1)


def test_f17_order_when_a_record_asks_for_repetition_then_it_is_not_repeated(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue("fail", 1)
    [job_id] = Queue(DEFAULT, connection=redis).job_ids
    redis.hset(keys.job(job_id), mapping={"retries_left": 5, "retry_intervals": "[0]"})
    start_worker()
    eventually(lambda: FailedJobRegistry(DEFAULT, connection=redis).get_job_count() == 1)
    assert marks(redis) == ["fail 1"]
    assert redis.zcard(keys.scheduled(DEFAULT)) == 0


def test_job_when_it_vanished_from_redis_before_its_turn_then_nothing_is_run_or_left(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue("order", 1)
    [job_id] = Queue(ORDERS, connection=redis).job_ids
    redis.delete(keys.job(job_id))
    queues.enqueue("order", 2)
    start_worker(concurrency=1)
    eventually(lambda: FinishedJobRegistry(ORDERS, connection=redis).get_job_count() == 1)
    assert marks(redis) == ["order 2"]
    assert not redis.exists(keys.job(job_id))
    assert redis.zcard(keys.started(ORDERS)) == 0


def test_fan_out_when_the_table_spreads_it_then_not_all_jobs_start_at_once(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    start_worker()
    began = time.monotonic()
    queues.enqueue_many("spread", range(4))
    eventually(lambda: len(marks(redis)) == 4)
    assert time.monotonic() - began > 0.7
    assert marks(redis) == ["spread 0", "spread 1", "spread 2", "spread 3"]


def test_worker_when_it_runs_a_job_then_rq_lists_it_with_its_job_and_counters(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    worker = start_worker()
    queues.enqueue("order", 1)
    queues.enqueue("hold", 2)

    def busy() -> Worker | None:
        listed = [each for each in Worker.all(connection=redis) if each.get_current_job()]
        return listed[0] if listed and listed[0].successful_job_count else None

    shown = eventually(busy)
    assert (shown.name, shown.get_state()) == (worker.name, "busy")
    assert shown.queue_names() == worker.queue_names()
    current = shown.get_current_job()
    assert current is not None
    assert current.get_call_string() == "tests.jobs.sample_jobs.hold(2)"
    redis.set("release", 1)
    eventually(lambda: Worker.all(connection=redis)[0].get_state() == "idle")
    assert redis.keys("rq:execution:*") == []


def test_jobs_of_a_killed_worker_when_their_lease_ends_then_they_are_failed_and_the_worker_is_gone(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue("order", 1)
    [job_id] = Queue(ORDERS, connection=redis).job_ids
    redis.lpop(keys.queue(ORDERS))
    redis.hset(keys.job(job_id), "status", "started")
    redis.zadd(keys.started(ORDERS), {f"{job_id}:0123": time.time() - 1})
    redis.sadd(keys.WORKERS, keys.worker("killed"))
    redis.sadd(keys.workers_of(WATCH), keys.worker("killed"))
    start_worker()
    eventually(lambda: FailedJobRegistry(ORDERS, connection=redis).get_job_ids() == [job_id])
    assert "disappeared" in why(redis, job_id)
    assert redis.zcard(keys.started(ORDERS)) == 0
    eventually(lambda: not redis.sismember(keys.WORKERS, keys.worker("killed")))
    assert not redis.sismember(keys.workers_of(WATCH), keys.worker("killed"))
    assert marks(redis) == []


def test_order_when_wanted_later_then_starts_about_then_and_once(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    start_worker()
    began = time.monotonic()
    queues.enqueue_many("order", [5], after=timedelta(seconds=0.6))
    queues.enqueue("order", 4)
    eventually(lambda: len(marks(redis)) == 2)
    assert time.monotonic() - began > 0.5
    assert marks(redis) == ["order 4", "order 5"]
    assert redis.zcard(keys.scheduled(ORDERS)) == 0
