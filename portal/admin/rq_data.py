"""What the queues hold, read through rq-dashboard's own functions and scrubbed. Changes nothing."""

from typing import Any, TypeVar

from flask import current_app
from rq_dashboard import web as dashboard

from portal.jobs.table import QUEUES
from portal.logs import scrub

REGISTRIES = ("queued", "started", "scheduled", "deferred", "finished", "failed", "canceled")
Value = TypeVar("Value")
_LONGEST = 20_000
_Rows = list[dict[str, Any]]


def queues() -> _Rows:
    """All queues of ours with the number of jobs in each state. Raises RedisError."""
    found = [dashboard.Queue(name, connection=_redis()) for name in QUEUES]
    rows: _Rows = dashboard.serialize_queues(0, found)
    return rows


def workers() -> _Rows:
    """All registered workers. Raises RedisError."""
    _redis()
    rows: _Rows = dashboard.list_workers.__wrapped__(0)["workers"]
    return scrubbed(rows)


def jobs(*, instance_number: int = 0, **which: Any) -> dict[str, Any]:
    """One page of jobs. Raises RedisError."""
    _redis()
    found: dict[str, Any] = dashboard.list_jobs.__wrapped__(instance_number, **which)
    return scrubbed(found)


def one_job(job_id: str) -> dict[str, Any]:
    """One job with its error. Raises RedisError, and rq's NoSuchJobError."""
    _redis()
    found: dict[str, Any] = dashboard.job_info.__wrapped__(0, job_id)
    return scrubbed(found)


def origin(job_id: str) -> str:
    """The queue of a job. Raises RedisError, and rq's NoSuchJobError."""
    return str(dashboard.Job.fetch(job_id, connection=_redis()).origin)


def scrubbed(value: Value) -> Value:
    """The same lists and dicts without secrets in any text; what is no plain value becomes a text."""
    found: Value = _walk(value)
    return found


def connect() -> None:
    """Give rq-dashboard's functions their connection, whatever a process is asked first."""
    _redis()


def _redis() -> Any:
    # rq-dashboard looks for its connection on the app: ours, whatever kind of address it has.
    connection = current_app.extensions["portal_redis"]
    setattr(current_app, "redis_conn", connection)  # noqa: B010 - mypy refuses a plain assignment
    return connection


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _walk(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return scrub(str(value)[:_LONGEST])
