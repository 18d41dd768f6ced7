"""Time limits in threads: a loop is interrupted, a stuck thread is replaced, nobody else is hit."""

import time

from redis import Redis
from rq import Queue
from rq.registry import FailedJobRegistry, FinishedJobRegistry

from portal.jobs import keys
from portal.jobs.engine.allowlist import Call
from portal.jobs.engine.running import Running
from portal.jobs.queues import JobQueues
from portal.jobs.table import DEFAULT, ORDERS, JobSpec
from tests.helpers import eventually
from tests.jobs.conftest import StartWorker, why
from tests.jobs.sample_jobs import marks


def test_job_in_a_loop_when_its_time_is_over_then_it_is_interrupted(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue("spin", 1)
    [job_id] = Queue(DEFAULT, connection=redis).job_ids
    start_worker(concurrency=1)
    eventually(lambda: FailedJobRegistry(DEFAULT, connection=redis).get_job_ids() == [job_id], timeout=2)
    assert why(redis, job_id).startswith("The job took longer than its limit of 1 s and was interrupted.")
    assert "JobTimeoutException" in why(redis, job_id)


def test_job_that_swallows_the_interruption_when_the_grace_is_over_then_its_thread_is_replaced_and_ends(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue("stubborn", 1)
    [job_id] = Queue(DEFAULT, connection=redis).job_ids
    start_worker(concurrency=1)
    eventually(lambda: FailedJobRegistry(DEFAULT, connection=redis).get_job_ids() == [job_id], timeout=3)
    assert "did not stop when it was interrupted" in why(redis, job_id)
    queues.enqueue("order", 2)
    eventually(lambda: "order 2" in marks(redis))
    assert marks(redis)[1:] == ["swallowed 1", "order 2"]


def test_jobs_in_system_calls_when_all_threads_are_stuck_then_the_worker_is_back_at_full_strength(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    queues.enqueue_many("listen", [1, 2])
    start_worker(concurrency=2, queues=[DEFAULT])
    failed = FailedJobRegistry(DEFAULT, connection=redis)
    eventually(lambda: failed.get_job_count() == 2, timeout=5)
    queues.enqueue_many("meet", [2, 2])
    eventually(lambda: marks(redis).count("met") == 2)
    # The system calls return later; their threads must neither go on with the job nor report a second end.
    time.sleep(0.9)
    assert not [mark for mark in marks(redis) if mark.startswith("heard")]
    assert failed.get_job_count() == 2
    assert FinishedJobRegistry(DEFAULT, connection=redis).get_job_count() == 2
    assert redis.zcard(keys.started(DEFAULT)) == 0


def test_interruption_when_it_races_with_the_end_of_the_job_then_it_never_leaves_the_job() -> None:
    spec = JobSpec("unused", ORDERS, 5)
    interrupted = 0
    for round_ in range(3000):
        running = Running("job", ORDERS, Call("race", spec, ()))

        def action(_: Call, running: Running = running, spins: int = round_ % 7) -> None:
            running.interrupt()
            for _ in range(spins):
                pass

        error = running.run(action)
        running.interrupt()
        interrupted += error is not None
    assert interrupted > 0


def test_interruption_when_the_job_has_ended_then_the_thread_is_not_hit() -> None:
    running = Running("job", ORDERS, Call("short", JobSpec("unused", ORDERS, 5), ()))
    assert running.run(lambda _: None) is None
    running.interrupt()
    assert not running.abandon()
    assert not running.interrupted
