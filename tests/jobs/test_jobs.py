"""The table of jobs against the modules it names, and the real worker with the real application."""

import inspect

import pytest
from flask import Flask
from redis import Redis
from rq import Queue
from rq.registry import FinishedJobRegistry

from portal.jobs import queues
from portal.jobs.engine.allowlist import load
from portal.jobs.periodic import PERIODIC
from portal.jobs.table import JOBS, NOTIFY, QUEUES
from portal.jobs.worker import run_worker

TICKS = {entry.name for entry in PERIODIC}


@pytest.mark.parametrize("name", JOBS)
def test_job_when_the_table_names_it_then_it_exists_and_takes_row_ids_only(name: str) -> None:
    parameters = inspect.signature(load(JOBS[name].function)).parameters.values()
    assert len(parameters) == (0 if name in TICKS else 1)
    assert all(parameter.annotation is int for parameter in parameters)
    assert JOBS[name].queue in QUEUES


def test_worker_when_started_with_the_application_then_jobs_run_in_its_context_and_it_exits_with_zero(
    app: Flask,
) -> None:
    redis: Redis = app.extensions["portal_redis"]
    # Of a row that does not exist, so that nothing but the way there and back is tried.
    assert queues.enqueue("deliver_notification", 4_000_000)
    [job_id] = Queue(NOTIFY, connection=redis).job_ids
    order: list[str] = []
    assert run_worker(app, concurrency=2, burst=True, preload=lambda: order.append("preloaded")) == 0
    assert FinishedJobRegistry(NOTIFY, connection=redis).get_job_ids() == [job_id]
    assert order == ["preloaded"]
