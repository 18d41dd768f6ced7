"""Alive, ready, and figures."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.config import Settings
from portal.db import db, utcnow
from portal.models import JobLease, User
from portal.trading.types import ExecutionStatus, OrderState, Protection
from tests import world
from tests.api.conftest import Caller, MakeCaller

FAR_AWAY = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}


def test_healthz_says_alive_and_readyz_says_what_it_looked_at(client: FlaskClient) -> None:
    alive, ready = client.get("/healthz"), client.get("/readyz")
    assert (alive.status_code, alive.json) == (200, {"status": "ok"})
    assert ready.status_code == 200
    assert ready.json is not None
    assert ready.json["status"] == "ready"
    assert {name: check["ok"] for name, check in ready.json["checks"].items()} == {
        "database": True, "migrations": True, "redis": True,
    }  # fmt: skip


@pytest.fixture
def older_schema(app: Flask) -> Iterator[None]:
    """The schema of the version before this one, as far as its number goes."""
    head = db.session.scalar(sa.text("SELECT version_num FROM alembic_version"))
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    db.session.commit()
    yield
    db.session.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": head})
    db.session.commit()


def test_f59_readyz_when_the_schema_is_old_is_503_and_says_what_to_do(
    client: FlaskClient, older_schema: None
) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["status"] == "not_ready"
    assert answer.json["checks"]["database"]["ok"] is True
    assert "portal db upgrade" in answer.json["checks"]["migrations"]["message"]


def sample(text: str, line: str) -> str:
    """The value of one series."""
    found = [each for each in text.splitlines() if each.startswith(line + " ")]
    assert len(found) == 1, f"{line} in\n{text}"
    return found[0].rpartition(" ")[2]


def test_metrics_count_what_there_is(client: FlaskClient, admin: User) -> None:
    connection = world.make_connection(admin)
    signal = world.make_signal(admin)
    pending = world.make_execution(
        signal, connection, status=ExecutionStatus.PENDING, created_at=utcnow() - timedelta(seconds=90)
    )
    world.make_order(pending, state=OrderState.UNRESOLVED)
    world.make_position(connection, protection=Protection.FAILED)
    world.make_position(connection, protection=Protection.FAILED, status="closed")
    world.save(JobLease(job="sweep", tick=1, finished_at=utcnow() - timedelta(seconds=30)))
    redis = client.application.extensions["portal_redis"]
    redis.delete("rq:queue:orders")
    redis.rpush("rq:queue:orders", "a", "b")

    answer = client.get("/metrics")

    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    text = answer.text
    assert sample(text, 'portal_executions{status="pending"}') == "1.0"
    assert sample(text, 'portal_executions{status="filled"}') == "0.0"
    assert sample(text, "portal_unresolved_orders") == "1.0"
    assert sample(text, 'portal_open_positions{protection="failed"}') == "1.0"
    assert sample(text, 'portal_connections{status="active"}') == "1.0"
    assert sample(text, 'portal_queue_depth{queue="orders"}') == "2.0"
    assert sample(text, "portal_redis_up") == "1.0"
    assert sample(text, 'portal_held_back{kind="breaker",scope="venue"}') == "0.0"
    assert sample(text, 'portal_held_back{kind="pause",scope="account"}') == "0.0"
    assert 90 <= float(sample(text, "portal_oldest_pending_execution_seconds")) < 120
    assert 30 <= float(sample(text, 'portal_job_last_run_age_seconds{job="sweep"}')) < 60


def test_metrics_count_requests_by_endpoint_and_never_show_addresses(
    client: FlaskClient, as_admin: Caller
) -> None:
    client.post(f"/hooks/tradingview/{as_admin.token}", data="hello")
    client.get("/api/v1/canary-in-the-address")
    text = client.get("/metrics").text
    assert 'endpoint="hooks.tradingview",method="POST"' in text
    assert 'endpoint="none",method="GET"' in text
    assert as_admin.token not in text
    assert "canary" not in text


def test_metrics_from_afar_need_the_read_token_of_an_administrator(
    client: FlaskClient, calling: MakeCaller, admin: User, alice: User
) -> None:
    def status(token: str | None) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.get("/metrics", headers=headers, **FAR_AWAY).status_code

    assert status(None) == 401
    assert status("wrong") == 401
    assert status(calling(admin, "signals:write").token) == 403
    assert status(calling(alice, "read").token) == 403
    assert status(calling(admin, "read").token) == 200


def test_metrics_from_this_machine_need_no_token_unless_a_proxy_may_be_in_between(
    app: Flask, client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": ""}).status_code == 401
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client.get("/metrics", headers={header: "203.0.113.9"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    monkeypatch.setitem(app.extensions, "portal_settings", replace(settings, trusted_proxies=1))
    assert client.get("/metrics").status_code == 401
