"""What rq-dashboard shows of our worker and our jobs, through its own code."""

from typing import Any

import pytest
import rq_dashboard
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from rq.registry import FailedJobRegistry
from rq_dashboard.web import setup_rq_connection

from portal.jobs.queues import JobQueues
from tests.helpers import eventually
from tests.jobs.conftest import StartWorker
from tests.jobs.redis_server import RedisServer
from tests.jobs.sample_jobs import marks


@pytest.fixture
def dashboard(redis_server: RedisServer) -> FlaskClient:
    app = Flask(__name__)
    app.config.from_object(rq_dashboard.default_settings)
    app.config["RQ_DASHBOARD_REDIS_URL"] = redis_server.url
    setup_rq_connection(app)
    app.register_blueprint(rq_dashboard.blueprint, url_prefix="/rq")
    return app.test_client()


def read(dashboard: FlaskClient, path: str) -> Any:
    answer = dashboard.get(f"/rq/0/data/{path}.json")
    assert answer.status_code == 200
    return answer.json


def test_dashboard_when_jobs_run_fail_and_wait_then_it_shows_each_where_it_is(
    queues: JobQueues, redis: Redis, start_worker: StartWorker, dashboard: FlaskClient
) -> None:
    queues.enqueue("fail", 3)
    queues.enqueue("hold", 4)
    worker = start_worker(concurrency=2)
    eventually(lambda: "holding 4" in marks(redis))
    eventually(lambda: FailedJobRegistry("default", connection=redis).get_job_count() == 1)
    queues.enqueue("order", 5)

    counts = {queue["name"]: queue for queue in read(dashboard, "queues")["queues"]}
    assert counts["orders"]["count"] == 1
    assert counts["orders"]["started_job_registry_count"] == 1
    assert counts["default"]["failed_job_registry_count"] == 1

    [failed] = read(dashboard, "jobs/default/failed/8/asc/1")["jobs"]
    assert failed["description"] == "fail(3)"
    assert "RuntimeError" in failed["exc_info"]
    shown = read(dashboard, f"job/{failed['id']}")
    assert (shown["status"], shown["origin"], shown["result"]) == ("failed", "default", None)
    [waiting] = read(dashboard, "jobs/orders/queued/8/asc/1")["jobs"]
    assert waiting["description"] == "order(5)"

    def current() -> dict[str, Any]:
        [row] = read(dashboard, "workers")["workers"]
        return row if row["current_job"] != "idle" else {}

    row = eventually(current)
    assert (row["name"], row["pid"], row["state"]) == (worker.name, worker.pid, "busy")
    assert row["current_job"]["description"] == "hold(4)"
    assert row["failed_job_count"] == 1
