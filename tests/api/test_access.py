"""Who may call what: tokens, scopes, and nobody else's rows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.api import limits
from portal.db import Base, db
from portal.models import ApiToken, AuditEntry, ExecutionConnection, ExecutionPosition, Signal, User
from portal.services import tokens
from tests import world
from tests.api.conftest import Caller, MakeCaller

ROUTES = {
    ("POST", "/api/v1/signals"): "signals:write",
    ("GET", "/api/v1/signals/1"): "read",
    ("GET", "/api/v1/signals/1/executions"): "read",
    ("GET", "/api/v1/positions"): "read",
    ("POST", "/api/v1/positions/1/close"): "positions:write",
    ("GET", "/api/v1/connections"): "read",
    ("POST", "/api/v1/connections/1/test"): "positions:write",
}


def test_table_of_routes_in_this_test_is_complete(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")]
    found = {
        (
            method,
            rule.rule.replace("<row_id:signal_id>", "1")
            .replace("<row_id:position_id>", "1")
            .replace("<row_id:connection_id>", "1"),
        )
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert found == set(ROUTES) | {("GET", "/api/v1/openapi.json")}


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic YWxpY2U6YWxpY2U=", "Bearer caf\u00e9"]
)
@pytest.mark.parametrize("route", ROUTES)
def test_route_without_a_valid_token_is_refused(
    client: FlaskClient, route: tuple[str, str], header: str | None
) -> None:
    headers = {"Authorization": header} if header is not None else {}
    answer = client.open(route[1], method=route[0], headers=headers, json={})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="portico"')
    assert answer.json is not None
    assert answer.json["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("route", ROUTES)
def test_token_that_lacks_the_scope_is_told_which(
    calling: MakeCaller, admin: User, route: tuple[str, str]
) -> None:
    needed = ROUTES[route]
    others = {"read", "signals:write", "positions:write"} - {needed}
    caller = calling(admin, *others)
    answer = caller.client.open(route[1], method=route[0], headers=caller.headers, json={})
    assert answer.status_code == 403
    assert answer.json is not None
    assert needed in answer.json["error"]["message"]
    assert world.count(Signal) == 0


def test_revoked_token_and_token_of_a_deactivated_user_are_refused(
    as_alice: Caller, as_admin: Caller, admin: User
) -> None:
    token_id = db.session.scalar(sa.select(ApiToken.id).where(ApiToken.user_id != admin.id))
    assert token_id is not None
    tokens.revoke(token_id, actor="tests")
    admin.active = False
    db.session.commit()
    assert [caller.get("/api/v1/positions").status_code for caller in (as_alice, as_admin)] == [401, 401]


def test_token_in_the_query_or_the_body_is_not_taken(as_admin: Caller, client: FlaskClient) -> None:
    for name in ("token", "auth_token", "access_token"):
        assert client.get(f"/api/v1/positions?{name}={as_admin.token}").status_code == 401
        assert client.post("/api/v1/signals", json={name: as_admin.token}).status_code == 401


def test_session_cookie_alone_opens_nothing_and_none_is_set(client: FlaskClient, admin: User) -> None:
    with client.session_transaction() as session:
        session["_user_id"] = admin.fs_uniquifier
        session["_fresh"] = True
    answer = client.get("/api/v1/connections")
    assert answer.status_code == 401
    assert "Set-Cookie" not in client.get("/healthz").headers


@pytest.fixture
def bobs(bob: User, admin: User) -> dict[str, int]:
    """Rows that are none of Alice's business."""
    connection = world.make_connection(bob, "Bob's secret stash")
    signal = world.make_signal(admin)
    execution = world.make_execution(signal, connection)
    position = world.make_position(connection, execution_id=execution.id)
    return {"signal": signal.id, "connection": connection.id, "position": position.id}


FOREIGN: list[tuple[str, Callable[[dict[str, int]], str]]] = [
    ("GET", lambda row: f"/api/v1/signals/{row['signal']}"),
    ("GET", lambda row: f"/api/v1/signals/{row['signal']}/executions"),
    ("GET", lambda row: f"/api/v1/positions?connection_id={row['connection']}"),
    ("POST", lambda row: f"/api/v1/positions/{row['position']}/close"),
    ("POST", lambda row: f"/api/v1/connections/{row['connection']}/test"),
]


def snapshot() -> list[Any]:
    db.session.rollback()
    tables: tuple[type[Base], ...] = (Signal, ExecutionConnection, ExecutionPosition, AuditEntry)
    return [
        db.session.execute(sa.select(sa.inspect(table).local_table).order_by("id")).all() for table in tables
    ]


@pytest.mark.parametrize("case", range(len(FOREIGN)))
def test_another_users_row_is_not_found_and_nothing_changes(
    as_alice: Caller, bobs: dict[str, int], alice: User, case: int
) -> None:
    method, path = FOREIGN[case]
    redis = as_alice.client.application.extensions["portal_redis"]
    before, jobs = snapshot(), redis.keys("rq:*")
    answer = as_alice.client.open(path(bobs), method=method, headers=as_alice.headers)
    missing = as_alice.client.open(path(dict.fromkeys(bobs, 999)), method=method, headers=as_alice.headers)
    assert answer.status_code == missing.status_code == 404
    assert "Bob" not in answer.text
    assert (snapshot(), redis.keys("rq:*")) == (before, jobs)


def test_lists_hold_own_rows_for_a_trader_and_all_for_an_administrator(
    as_alice: Caller, as_admin: Caller, bobs: dict[str, int], alice: User
) -> None:
    mine = world.make_connection(alice, "Alice's")
    world.make_position(mine)
    for path in ("/api/v1/connections", "/api/v1/positions"):
        own, everything = as_alice.get(path), as_admin.get(path)
        assert own.json is not None
        assert everything.json is not None
        assert len(own.json["items"]) == 1
        assert len(everything.json["items"]) == 2
        assert "Bob" not in own.text


def test_trader_sees_a_signal_only_with_their_own_executions(
    as_alice: Caller, bobs: dict[str, int], alice: User, admin: User
) -> None:
    signal = db.session.get_one(Signal, bobs["signal"])
    signal.dedupe_key = "the sender's"
    world.make_execution(signal, world.make_connection(alice, "Alice's"))
    shown, report = (
        as_alice.get(f"/api/v1/signals/{signal.id}"),
        as_alice.get(f"/api/v1/signals/{signal.id}/executions"),
    )
    assert shown.json is not None
    assert report.json is not None
    assert shown.json["executions"] == 1
    assert "dedupe_key" not in shown.json
    assert [item["connection"] for item in report.json["items"]] == ["Alice's"]


def test_no_answer_holds_a_secret(as_admin: Caller, bobs: dict[str, int]) -> None:
    for path in (
        "/api/v1/connections",
        "/api/v1/positions",
        "/api/v1/signals/1",
        "/api/v1/signals/1/executions",
        "/metrics",
    ):
        answer = as_admin.get(path)
        assert answer.status_code == 200
        assert "canary" not in answer.text
        assert "v1." not in answer.text


def test_caller_who_calls_too_often_is_told_when_to_come_back_and_others_are_not_slowed(
    as_admin: Caller, as_alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.PER_MINUTE, "read", 3)
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_010.0)
    statuses = [as_admin.get("/api/v1/positions").status_code for _ in range(5)]
    refused = as_admin.get("/api/v1/positions")
    assert statuses == [200, 200, 200, 429, 429]
    assert refused.headers["Retry-After"] == "50"
    assert as_alice.get("/api/v1/positions").status_code == 200
    monkeypatch.setattr(limits.time, "time", lambda: 1_800_000_061.0)
    assert as_admin.get("/api/v1/positions").status_code == 200


def test_hook_has_a_limit_of_its_own_and_a_refused_alert_is_not_stored(
    as_admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(limits.PER_MINUTE, "hook", 1)
    hook = f"/hooks/tradingview/{as_admin.token}"
    answers = [as_admin.client.post(hook, data=f"symbol=BTCUSDT\nside=buy\nid=a{n}") for n in range(3)]
    assert [answer.status_code for answer in answers] == [201, 429, 429]
    assert world.count(Signal) == 1


def test_position_of_its_owner_is_closed_once(as_alice: Caller, alice: User) -> None:
    position = world.make_position(world.make_connection(alice), quantity=Decimal(1))
    answers = [as_alice.post(f"/api/v1/positions/{position.id}/close") for _ in range(2)]
    assert [(answer.status_code, answer.json) for answer in answers] == [
        (202, {"id": 1, "status": "closing"})
    ] * 2
    db.session.refresh(position)
    assert position.close_reason == "manual"
    redis = as_alice.client.application.extensions["portal_redis"]
    assert redis.llen("rq:queue:exits") == 1


def test_position_that_is_closed_already_is_a_conflict(as_alice: Caller, alice: User) -> None:
    position = world.make_position(world.make_connection(alice), status="closed", closed_reason="tp")
    answer = as_alice.post(f"/api/v1/positions/{position.id}/close")
    assert answer.status_code == 409
    assert answer.json is not None
    assert "closed" in answer.json["error"]["message"]


def test_connection_test_is_asked_of_a_worker_and_not_done_here(as_alice: Caller, alice: User) -> None:
    connection = world.make_connection(alice)
    answer = as_alice.post(f"/api/v1/connections/{connection.id}/test")
    assert (answer.status_code, answer.json) == (202, {"id": connection.id, "status": "active"})
    redis = as_alice.client.application.extensions["portal_redis"]
    assert redis.llen("rq:queue:default") == 1
