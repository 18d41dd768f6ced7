"""The figures for Prometheus, read from the database and Redis when they are asked for. Counts only: no
names, no secrets."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis import RedisError

from portal.api import counting
from portal.db import db, utcnow
from portal.jobs import keys
from portal.jobs.table import QUEUES
from portal.models import IN_DOUBT, Execution, ExecutionConnection, ExecutionPosition, JobLease, Order
from portal.models.position import HELD
from portal.services import traffic_report
from portal.trading.types import ConnectionStatus, ExecutionStatus, Protection

_JOBS = ("sweep", "check_positions", "sync_connections", "check_connections", "update_analytics")


def render() -> bytes:
    """All figures in Prometheus' text format. Raises SQLAlchemyError when the database does not answer; a
    Redis that does not leaves its figures out and says so with `portal_redis_up 0`."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return generate_latest(registry) + generate_latest(counting.registry())


class _Figures(Collector):
    def collect(self) -> Iterable[Metric]:
        yield from _from_database()
        yield from _queues()


def _from_database() -> Iterator[Metric]:
    yield _by(Execution.status, ExecutionStatus, "portal_executions", "Executions by status.")
    yield _by(ExecutionConnection.status, ConnectionStatus, "portal_connections", "Connections by status.")
    yield _by(
        ExecutionPosition.protection, Protection, "portal_open_positions", "Open positions by protection.",
        ExecutionPosition.status.in_(HELD),
    )  # fmt: skip
    in_doubt = sa.select(sa.func.count()).select_from(Order).where(Order.state.in_(IN_DOUBT))
    yield GaugeMetricFamily(
        "portal_unresolved_orders", "Orders that may exist at a venue, and that nobody has seen there.",
        value=db.session.scalar(in_doubt) or 0,
    )  # fmt: skip
    oldest = sa.select(sa.func.min(Execution.created_at)).where(Execution.status == ExecutionStatus.PENDING)
    yield GaugeMetricFamily(
        "portal_oldest_pending_execution_seconds", "Age of the oldest execution nobody has begun; 0 without.",
        value=_age(db.session.scalar(oldest)) or 0,
    )  # fmt: skip
    yield _job_ages()


def _by(column: Any, values: Iterable[str], name: str, text: str, *where: Any) -> Metric:
    """One gauge per value of an enumeration, zeros included: a missing series is no alarm."""
    query = sa.select(column, sa.func.count()).where(*where).group_by(column)
    counted = {row[0]: row[1] for row in db.session.execute(query)}
    family = GaugeMetricFamily(name, text, labels=[column.key])
    for value in values:
        family.add_metric([str(value)], counted.get(value, 0))
    return family


def _job_ages() -> Metric:
    family = GaugeMetricFamily(
        "portal_job_last_run_age_seconds",
        "Time since the last finished run of a periodic job.",
        labels=["job"],
    )
    latest = sa.func.max(JobLease.finished_at)
    query = sa.select(JobLease.job, latest).where(JobLease.job.in_(_JOBS)).group_by(JobLease.job)
    for job, finished_at in db.session.execute(query):
        age = _age(finished_at)
        if age is not None:
            family.add_metric([job], age)
    return family


def _queues() -> Iterator[Metric]:
    up = GaugeMetricFamily("portal_redis_up", "1 when Redis answers.")
    depth = GaugeMetricFamily("portal_queue_depth", "Jobs that wait in a queue.", labels=["queue"])
    try:
        pipe = current_app.extensions["portal_redis"].pipeline(transaction=False)
        for queue in QUEUES:
            pipe.llen(keys.queue(queue))
        for queue, waiting in zip(QUEUES, pipe.execute(), strict=True):
            depth.add_metric([queue], waiting)
        up.add_metric([], 1)
    except (RedisError, OSError):
        up.add_metric([], 0)
    yield up
    yield depth
    yield from _held_back()


def _held_back() -> Iterator[Metric]:
    """Left out when Redis does not answer: nobody knows then."""
    family = GaugeMetricFamily(
        "portal_held_back",
        "Open breakers of venues and connections, and pauses that venues asked for.",
        labels=["kind", "scope"],
    )
    try:
        counted = Counter((each.kind, each.scope) for each in traffic_report.held_back())
    except (RedisError, OSError):
        return
    for kind, scopes in {"breaker": ("venue", "connection"), "pause": ("venue", "account")}.items():
        for scope in scopes:
            family.add_metric([kind, scope], counted[kind, scope])
    yield family


def _age(moment: datetime | None) -> float | None:
    return None if moment is None else max(0.0, (utcnow() - moment).total_seconds())
