"""The gate before every job: another version's schema, and a clock that cannot be believed."""

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis
from rq import Queue

from portal.db import db, end_read, utcnow
from portal.errors import ConfigError
from portal.jobs import gate as gates
from portal.jobs import queues, worker
from portal.jobs.engine.allowlist import Call
from portal.jobs.gate import Gate
from portal.jobs.table import JOBS, NOTIFY, ORDERS, WATCH
from portal.models import Notification
from tests.helpers import at_once
from tests.jobs.redis_server import RedisServer


def call(name: str, *ids: int) -> Call:
    return Call(name, JOBS[name], ids)


def waiting(app: Flask, queue: str) -> list[str]:
    """Jobs in the queue, by name and row."""
    redis: Redis = app.extensions["portal_redis"]
    return [each.rpartition("-")[0] for each in Queue(queue, connection=redis).job_ids]


def told() -> list[str]:
    end_read()
    return list(db.session.scalars(sa.select(Notification.body).where(Notification.user_id.is_(None))))


def set_schema(version: str) -> None:
    end_read()
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    db.session.commit()


@pytest.fixture
def other_schema(app: Flask) -> Iterator[None]:
    """A migration that this version does not know was applied."""
    head = str(db.session.scalar(sa.text("SELECT version_num FROM alembic_version")))
    set_schema("9999")
    yield
    set_schema(head)


@pytest.fixture(params=["9999", "0001"], ids=["newer", "older"])
def unfit_schema(request: pytest.FixtureRequest, other_schema: None) -> str:
    set_schema(request.param)
    return str(request.param)


def test_f59_worker_when_the_schema_is_of_another_version_then_it_does_not_start(
    app: Flask, unfit_schema: str
) -> None:
    queues.enqueue("deliver_notification", 7)
    with pytest.raises(ConfigError) as refused:
        worker.run_worker(app, concurrency=2, burst=True)
    assert f"at {unfit_schema}, this version needs" in refused.value.message
    assert "Nothing was started" in refused.value.message
    assert waiting(app, NOTIFY) == ["deliver-notification-7"]


def test_f59_running_worker_when_the_schema_changes_under_it_then_it_gives_its_jobs_back_and_ends(
    app: Flask, other_schema: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It passed the check at its start; the migration comes afterwards."""
    monkeypatch.setattr(worker, "require_fit", lambda _: None)
    queues.enqueue_many("run_execution", [11, 12, 13])
    assert worker.run_worker(app, concurrency=1) == 1, "it ends by itself, and says so by its exit code"
    assert sorted(waiting(app, ORDERS)) == ["run-execution-11", "run-execution-12", "run-execution-13"]
    assert db.session.scalar(sa.text("SELECT count(*) FROM executions")) == 0


def test_f59_gate_when_the_schema_is_ours_then_it_asks_once_a_second_and_admits_everything(
    app: Flask,
) -> None:
    asked: list[str] = []

    def count(_c: object, _u: object, statement: str, *_: object) -> None:
        asked.append(statement)

    gate = Gate(lambda: pytest.fail("it must not retire"))
    sa.event.listen(db.engine, "before_cursor_execute", count)
    try:
        assert all(gate.admits(call(name, 1)) for name in JOBS for _ in range(20))
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", count)
    assert 0 < len([each for each in asked if "clock_timestamp" in each]) <= 3
    assert told() == []


@pytest.mark.parametrize("hours", [1, -1])
def test_f28_worker_when_its_clock_differs_from_the_database_then_it_takes_no_entry_but_every_exit(
    app: Flask, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setattr(gates, "utcnow", lambda: utcnow() + timedelta(hours=hours))
    monkeypatch.setattr(gates, "_POLITE", 0.0)
    gate = Gate(lambda: pytest.fail("a clock is no reason to end"))
    admitted = {name for name in JOBS if gate.admits(call(name, 5))}
    refused = {"run_execution", "resolve_order", "cancel_late_entry", "sync_connection"}
    assert set(JOBS) - admitted == refused
    assert waiting(app, WATCH) == [], "what comes every minute is not put back"
    assert sorted(waiting(app, ORDERS)) == ["cancel-late-entry-5", "resolve-order-5", "run-execution-5"]
    (body,) = told()
    assert f"differs from the database's by {hours * 3600:+d} s" in body


def test_f28_worker_when_its_clock_is_right_again_then_it_takes_entries(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(lambda: None)
    with monkeypatch.context() as patch:
        patch.setattr(gates, "utcnow", lambda: utcnow() + timedelta(seconds=30))
        patch.setattr(gates, "_wall_minus_monotonic", lambda: gate._walls)
        assert not gate.admits(call("run_execution", 5))
    monkeypatch.setattr(gates, "LOOK_EVERY", 0.0)
    assert gate.admits(call("run_execution", 5))


@pytest.mark.parametrize("hours", [1, -1])
def test_f28_clock_when_machine_and_database_jump_together_then_silence_proves_nothing_for_a_while(
    app: Flask, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Nobody differs from anybody; only a clock that never jumps can tell."""
    gate = Gate(lambda: None)
    assert gate.admits(call("resolve_order", 5))
    walls, started = gate._walls, gates.time.monotonic()
    monkeypatch.setattr(gates, "_wall_minus_monotonic", lambda: walls + hours * 3600)
    assert not gate.admits(call("resolve_order", 5))
    assert gate.admits(call("close_position", 5))
    assert "jumped by" in told()[0]

    monkeypatch.setattr(gates.time, "monotonic", lambda: started + gates.DISTRUST + 5)
    assert gate.admits(call("resolve_order", 5)), "two and a half minutes later all stored windows are over"


def test_f26_f28_administrators_when_ten_workers_see_the_same_are_told_once(app: Flask) -> None:
    from portal.services import house_alarms

    def tell() -> bool:
        return house_alarms.tell("The clock of a worker is wrong", "by an hour")

    assert at_once(app, [tell] * 10).count(True) == 1
    assert told() == ["by an hour"]


@pytest.fixture
def own_redis(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    server = RedisServer()
    server.start()
    with queues.connect(server.url) as client:
        monkeypatch.setitem(app.extensions, "portal_redis", client)
        yield server
    server.close()


@pytest.mark.parametrize("start", ["worker", "scheduler"])
@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-random", "volatile-ttl", "replica"])
def test_f21_redis_when_it_may_forget_jobs_or_takes_none_then_nothing_starts_on_it(
    app: Flask, own_redis: RedisServer, policy: str, start: str
) -> None:
    from portal.jobs.schedule import run_scheduler

    redis: Redis = app.extensions["portal_redis"]
    if policy == "replica":
        redis.replicaof("127.0.0.1", "1")
    else:
        redis.config_set("maxmemory-policy", policy)
    with pytest.raises(ConfigError) as refused:
        if start == "worker":
            worker.run_worker(app, concurrency=1, burst=True)
        else:
            run_scheduler(app)
    assert ("read-only replica" if policy == "replica" else policy) in refused.value.message
    assert redis.dbsize() == 0, f"nothing was left behind by process {os.getpid()}"
