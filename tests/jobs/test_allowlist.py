"""Whoever can write into Redis can queue, but not choose what runs."""

import json
import os
import pickle
import zlib
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis
from rq import Queue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import resolve_serializer

from portal.db import db
from portal.jobs import keys
from portal.jobs.engine.allowlist import Allowlist, RefusedError
from portal.jobs.queues import JobQueues
from portal.jobs.refusals import TITLE
from portal.jobs.serializing import refuse_pickle
from portal.jobs.table import JOBS, ORDERS
from portal.jobs.worker import run_worker
from portal.models import Notification
from tests.helpers import eventually
from tests.jobs.conftest import StartWorker, why
from tests.jobs.sample_jobs import HERE, TABLE, marks


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self._path),)


def push(redis: Redis, data: bytes) -> str:
    """What an intruder with access to Redis does."""
    job_id = "forged"
    redis.hset(keys.job(job_id), mapping={"data": data, "origin": ORDERS, "status": "queued"})
    redis.rpush(keys.queue(ORDERS), job_id)
    return job_id


def refused(redis: Redis, job_id: str) -> bool:
    failed = FailedJobRegistry(ORDERS, connection=redis).get_job_ids()
    return failed == [job_id] and why(redis, job_id).startswith("Refused, nothing was run: ")


def test_f26_s24_forged_job_when_it_names_os_system_in_json_then_it_is_not_executed(
    redis: Redis, start_worker: StartWorker, tmp_path: Path
) -> None:
    command = f"touch {tmp_path / 'owned'}"
    job_id = push(redis, zlib.compress(json.dumps(["os.system", None, [command], {}]).encode()))
    start_worker()
    eventually(lambda: refused(redis, job_id))
    assert list(tmp_path.iterdir()) == []
    assert redis.zcard(keys.started(ORDERS)) == 0


def test_f26_s24_forged_job_when_it_is_a_pickle_then_it_is_not_even_read(
    redis: Redis, start_worker: StartWorker, tmp_path: Path
) -> None:
    bomb = pickle.dumps((f"{HERE}.mark_order", None, (Bomb(tmp_path / "owned"),), {}))
    job_id = push(redis, bomb)
    start_worker()
    eventually(lambda: refused(redis, job_id))
    assert list(tmp_path.iterdir()) == []
    assert marks(redis) == []


def test_f26_rq_when_pickle_is_refused_then_its_own_readers_do_not_unpickle_either(
    redis: Redis, tmp_path: Path
) -> None:
    refuse_pickle()
    bomb = pickle.dumps(Bomb(tmp_path / "owned"))
    redis.hset(keys.job("forged"), mapping={"data": bomb, "meta": bomb, "result": bomb})
    job = Job.fetch("forged", connection=redis)
    with pytest.raises(DeserializationError):
        job.get_call_string()
    assert list(tmp_path.iterdir()) == []
    assert resolve_serializer(None).loads(b"[1]") == [1]


@pytest.mark.parametrize(
    "data", [b'["os.system",null,["id"],{}]', pickle.dumps(os.getcwd)], ids=["json", "pickle"]
)
def test_f26_administrators_when_a_forged_job_is_found_are_told_once(app: Flask, data: bytes) -> None:
    real: Redis = app.extensions["portal_redis"]
    for _ in range(2):
        push(real, data)
        assert run_worker(app, concurrency=1, burst=True) == 0
    db.session.rollback()
    (told,) = db.session.scalars(sa.select(Notification)).all()
    assert (told.user_id, told.title) == (None, TITLE)
    assert "nothing of it was run" in told.body


def test_worker_when_a_job_was_refused_then_it_goes_on_with_the_next(
    queues: JobQueues, redis: Redis, start_worker: StartWorker
) -> None:
    push(redis, b"")
    queues.enqueue("order", 1)
    start_worker(concurrency=1)
    eventually(lambda: marks(redis) == ["order 1"])


@pytest.mark.parametrize(
    "data",
    [
        [f"{HERE}.meet.__globals__", None, [1], {}],
        [f"{HERE}.mark_order", "os", [1], {}],
        [f"{HERE}.mark_order", None, ["1; rm"], {}],
        [f"{HERE}.mark_order", None, [True], {}],
        [f"{HERE}.mark_order", None, {"row": 1}, {}],
        [f"{HERE}.mark_order", None, [], {"row": 1}],
        [["os.system"], None, [1], {}],
        [f"{HERE}.mark_order"],
        {"func": "os.system"},
        7,
    ],
)
def test_allowlist_when_a_record_is_not_exactly_a_job_then_it_is_refused(data: object) -> None:
    with pytest.raises(RefusedError):
        Allowlist(TABLE).resolve(json.dumps(data).encode())


def test_allowlist_when_a_record_nests_too_deep_then_it_is_refused() -> None:
    with pytest.raises(RefusedError):
        Allowlist(TABLE).resolve(b"[" * 200_000)


def test_allowlist_when_rq_saved_the_record_again_then_it_still_resolves(
    queues: JobQueues, redis: Redis
) -> None:
    queues.enqueue("order", 3)
    [job_id] = Queue(ORDERS, connection=redis).job_ids
    Job.fetch(job_id, connection=redis).save()
    data = redis.hget(keys.job(job_id), "data")
    assert data is not None
    call = Allowlist(TABLE).resolve(data)
    assert (call.name, call.ids) == ("order", (3,))


def test_f17_table_of_jobs_when_read_then_only_notifications_are_repeated_by_rq() -> None:
    repeated = {name for name, spec in JOBS.items() if spec.retry_delays}
    assert repeated == {"deliver_notification"}
    assert all(spec.function == f"{spec.function.rsplit('.', 1)[0]}.{name}" for name, spec in JOBS.items())
    assert all(spec.function.startswith("portal.jobs.") for spec in JOBS.values())
