"""The database handle: connections that died in the pool, and jobs asked for twice."""

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from portal import db as module
from portal.db import db, request_job, requested_jobs


def end_all_backends() -> None:
    """What a restart of PostgreSQL does to everybody."""
    url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as link:
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        link.execute(f"{end} AND pid <> pg_backend_pid()")


def backend() -> int:
    pid: int = db.session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    db.session.rollback()
    return pid


def test_connection_when_it_died_while_it_was_idle_is_replaced_before_it_is_used(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    before = backend()
    end_all_backends()
    assert backend() != before


def test_connection_when_it_died_a_moment_after_its_use_fails_once_and_takes_the_others_with_it(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 60.0)
    with db.engine.connect() as first, db.engine.connect() as second:
        assert first is not second  # two in the pool
    before = backend()
    end_all_backends()
    with pytest.raises(sa.exc.OperationalError):
        backend()
    db.session.rollback()
    assert [backend() != before for _ in range(3)] == [True, True, True]


def test_job_when_asked_for_twice_in_a_transaction_is_remembered_once_in_order(app: Flask) -> None:
    request_job("resolve_order", 2)
    request_job("run_execution", 1)
    request_job("resolve_order", 2)
    assert list(requested_jobs(db.session())) == [("resolve_order", (2,)), ("run_execution", (1,))]
    assert not requested_jobs(db.session())
