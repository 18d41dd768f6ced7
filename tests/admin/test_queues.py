"""The queues: readable, scrubbed, and harmless for trading jobs."""

from typing import Any

import pytest
from flask import Flask
from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.worker import SimpleWorker

from portal.jobs import queues
from tests.visiting import Visitor

LEAK = "ccxt.AuthenticationError: binance GET https://api.example/api?signature=deadbeef0123456789&apiKey=CANARY1"


@pytest.fixture
def redis(app: Flask) -> Redis:
    found: Redis = app.extensions["portal_redis"]
    return found


def add(name: str) -> str:
    assert queues.enqueue(name, 1)
    return name


def fail(redis: Redis, queue_name: str) -> str:
    """Move the only queued job to the failed ones, as a worker does."""
    queue = Queue(queue_name, connection=redis)
    (job_id,) = queue.get_job_ids()
    job = Job.fetch(job_id, connection=redis)
    queue.remove(job)
    job.set_status("failed")
    FailedJobRegistry(queue_name, connection=redis).add(job, ttl=1000)
    Result.create_failure(job, ttl=1000, exc_string=LEAK)
    return str(job_id)


def counts(redis: Redis, queue_name: str) -> tuple[int, int]:
    return Queue(queue_name, connection=redis).count, len(
        FailedJobRegistry(queue_name, connection=redis).get_job_ids(cleanup=False)
    )


def test_pages_when_read_then_show_the_jobs(visitor: Visitor, redis: Redis) -> None:
    add("run_execution")
    assert ">1</a>" in visitor.get("/admin/rq/").text
    jobs = visitor.get("/admin/rq/0/view/jobs/orders/queued/25/asc/1").text
    assert "run_execution(1)" in jobs
    (job_id,) = Queue("orders", connection=redis).get_job_ids()
    assert "its row decides" in visitor.get(f"/admin/rq/0/view/job/{job_id}").text
    assert visitor.get("/admin/rq/0/view/workers").status_code == 200
    assert visitor.get(f"/admin/rq/0/data/job/{job_id}.json").json["origin"] == "orders"
    assert visitor.get("/admin/rq/0/data/queues.json").json["queues"][1]["count"] == 1
    assert visitor.get("/admin/rq/0/data/workers.json").json == {"workers": []}
    worker = SimpleWorker([Queue("orders", connection=redis)], connection=redis, name="one")
    worker.register_birth()
    worker.heartbeat()
    assert "just now</time>" in visitor.get("/admin/rq/0/view/workers").text
    assert visitor.get("/admin/rq/0/data/workers.json").json["workers"][0]["name"] == "one"


def test_error_of_a_job_when_shown_then_is_scrubbed(visitor: Visitor, redis: Redis) -> None:
    add("check_connection")
    job_id = fail(redis, "default")
    for path in (
        f"view/job/{job_id}", f"data/job/{job_id}.json",
        "view/jobs/default/failed/25/asc/1", "data/jobs/default/failed/25/asc/1.json",
    ):  # fmt: skip
        text = visitor.get(f"/admin/rq/0/{path}").text
        assert "AuthenticationError" in text, path
        assert "deadbeef" not in text, path
        assert "CANARY1" not in text, path


@pytest.mark.parametrize(
    ("job", "queue"), [("run_execution", "orders"), ("close_position", "exits"), ("sweep", "watch")]
)
def test_s34_f27_trading_job_when_changed_by_hand_then_is_refused_and_stays(
    visitor: Visitor, redis: Redis, job: str, queue: str
) -> None:
    add(job)
    job_id = fail(redis, queue)
    add(job)
    for path in (
        f"requeue/{queue}", f"job/{job_id}/requeue", f"job/{job_id}/delete", f"queue/{queue}/compact",
        *(f"queue/{queue}/{registry}/empty" for registry in ("queued", "failed", "started", "scheduled")),
    ):  # fmt: skip
        response = visitor.post(f"/admin/rq/{path}")
        assert response.status_code == 409, path
        assert "never requeued" in response.text
        assert counts(redis, queue) == (1, 1), path


def test_f27_other_job_when_requeued_or_deleted_then_it_happens(visitor: Visitor, redis: Redis) -> None:
    add("check_connection")
    job_id = fail(redis, "default")
    assert visitor.get("/admin/rq/requeue/default").status_code == 405
    assert counts(redis, "default") == (0, 1)
    assert visitor.post("/admin/rq/requeue/default").status_code == 302
    assert counts(redis, "default") == (1, 0)
    fail(redis, "default")
    assert visitor.post(f"/admin/rq/job/{job_id}/requeue").status_code == 302
    assert counts(redis, "default") == (1, 0)
    assert visitor.post(f"/admin/rq/job/{job_id}/delete").status_code == 302
    assert counts(redis, "default") == (0, 0)
    assert not Job.exists(job_id, connection=redis)


def test_f27_script_when_it_sends_the_token_of_the_cookie_then_is_answered_in_json(
    visitor: Visitor, redis: Redis
) -> None:
    add("check_connection")
    visitor.get("/admin/rq/")
    cookie = visitor.client.get_cookie("_csrf_token", path="/admin/rq")
    assert cookie is not None
    headers = {"X-CSRFToken": cookie.value}
    answer: Any = visitor.post_bare("/admin/rq/queue/default/queued/empty", headers=headers)
    assert (answer.status_code, answer.json) == (200, {"status": "OK"})
    assert counts(redis, "default") == (0, 0)
    refused: Any = visitor.post_bare("/admin/rq/queue/orders/queued/empty", headers=headers)
    assert (refused.status_code, refused.json["status"]) == (409, "REFUSED")
    assert (
        visitor.post_bare("/admin/rq/queue/default/queued/empty", headers={"X-CSRFToken": "x"}).status_code
        == 400
    )


@pytest.mark.parametrize(
    "path",
    [
        "1/view/workers", "9/data/queues.json", "0/view/jobs/nowhere/failed/25/asc/1", "0/view/job/none",
        "0/view/jobs/default/nowhere/25/asc/1", "0/view/jobs/default/failed/5000/asc/1",
        "0/data/job/none.json",
    ],
)  # fmt: skip
def test_address_when_it_names_nothing_of_ours_then_is_404(visitor: Visitor, path: str) -> None:
    assert visitor.get(f"/admin/rq/{path}").status_code == 404


@pytest.mark.usefixtures("redis_away")
def test_pages_when_redis_is_away_then_say_so(visitor: Visitor) -> None:
    response = visitor.get("/admin/rq/")
    assert response.status_code == 503
    assert "Redis does not answer" in response.text
    assert "Redis does not answer" in visitor.get("/admin/").text
