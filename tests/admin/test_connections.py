"""Accounts: secrets go in and never come out, and everything passes through the service."""

import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.models import AuditEntry, ExecutionConnection, ExecutionPosition, User
from portal.trading.types import ClosedReason, ConnectionStatus, PositionStatus
from tests import world
from tests.visiting import Visitor

NEW = {
    "name": "Desk", "exchange_name": "bybit", "type": "crypto", "mode": "paper", "is_active": "y",
    "credential_apiKey": "fresh-canary-key", "credential_secret": "fresh-canary-secret",
}  # fmt: skip


def queued(app: Flask, queue: str) -> int:
    return int(app.extensions["portal_redis"].llen(f"rq:queue:{queue}"))


def entries() -> list[tuple[str, str]]:
    return [
        (action, actor)
        for action, actor in db.session.execute(
            sa.select(AuditEntry.action, AuditEntry.actor).order_by(AuditEntry.id)
        )
    ]


def test_connection_when_created_then_is_stored_encrypted_and_a_test_is_asked_for(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    response = visitor.post("/admin/connections/new/", {**NEW, "owner_id": trader.id})
    assert response.location == "/admin/connections/details/?id=1"
    connection = db.session.get_one(ExecutionConnection, 1)
    assert connection.user_id == trader.id
    assert "canary" not in str(connection.credentials)
    assert connection.get_credential("secret") == "fresh-canary-secret"
    assert queued(app, "default") == 1
    assert entries() == [("portal.connection.created", "admin@example.org")]
    for path in ("details/?id=1", "edit/?id=1", "", "export/csv/"):
        assert "canary" not in visitor.get(f"/admin/connections/{path}").text


def test_connection_when_refused_then_the_form_does_not_repeat_the_secret(
    visitor: Visitor, trader: User
) -> None:
    text = visitor.post(
        "/admin/connections/new/", {**NEW, "owner_id": trader.id, "exchange_name": "nowhere"}
    ).text
    assert "is not a known exchange" in text
    assert "canary" not in text
    assert world.count(ExecutionConnection) == 0
    text = visitor.post(
        "/admin/connections/new/", {**NEW, "owner_id": trader.id, "credential_secret": ""}
    ).text
    assert "secret is missing" in text
    assert world.count(ExecutionConnection) == 0
    assert entries() == []


def test_connection_when_edited_with_empty_credentials_then_keeps_them(
    visitor: Visitor, trader: User
) -> None:
    connection = world.make_connection(trader)
    before = connection.credentials
    visitor.post("/admin/connections/edit/?id=1", {"name": "Renamed", "mode": "paper", "is_active": "y"})
    connection = db.session.get_one(ExecutionConnection, 1)
    assert (connection.name, connection.credentials) == ("Renamed", before)
    fresh = {"credential_apiKey": "another-key", "credential_secret": "another-secret"}
    visitor.post(
        "/admin/connections/edit/?id=1", {"name": "Renamed", "mode": "paper", "is_active": "y", **fresh}
    )
    assert db.session.get_one(ExecutionConnection, 1).get_credential("apiKey") == "another-key"
    assert [action for action, _ in entries()] == [
        "portal.connection.updated", "portal.connection.credentials_replaced",
    ]  # fmt: skip


def test_connection_when_extra_fields_are_sent_then_owner_and_status_stay(
    visitor: Visitor, trader: User
) -> None:
    world.make_connection(trader, status=ConnectionStatus.ERROR, last_error="broken")
    extra = {
        "user_id": "1", "admin_id": "1", "is_admin_owned": "y", "status": "active", "uid": "x",
        "credentials": "x", "owner_id": "1", "exchange_name": "binance", "last_error": "",
    }  # fmt: skip
    visitor.post(
        "/admin/connections/edit/?id=1", {"name": "Same", "mode": "paper", "is_active": "y", **extra}
    )
    connection = db.session.get_one(ExecutionConnection, 1)
    assert connection.name == "Same"
    assert (connection.user_id, connection.admin_id, connection.is_admin_owned) == (trader.id, None, False)
    assert (connection.status, connection.exchange_name) == (ConnectionStatus.ERROR, "sandbox")
    assert connection.get_credential("secret") == "canary-api-secret"


def test_test_button_when_pressed_then_asks_a_worker_and_is_audited(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    world.make_connection(trader)
    assert visitor.get("/admin/connections/test/1").status_code == 405
    assert queued(app, "default") == 0
    assert visitor.post("/admin/connections/test/1").status_code == 302
    assert queued(app, "default") == 1
    assert entries() == [("portal.connection.test_requested", "admin@example.org")]


def test_switch_when_pressed_then_turns_the_connection_off_and_on(visitor: Visitor, trader: User) -> None:
    world.make_connection(trader)
    visitor.post("/admin/connections/switch/1/0")
    assert db.session.get_one(ExecutionConnection, 1).status is ConnectionStatus.INACTIVE
    visitor.post("/admin/connections/switch/1/1")
    assert db.session.get_one(ExecutionConnection, 1).is_active
    assert len(entries()) == 2


def test_connection_when_something_is_open_then_is_not_deleted(visitor: Visitor, trader: User) -> None:
    position = world.make_position(world.make_connection(trader))
    text = visitor.post("/admin/connections/delete/", {"id": "1"}, follow_redirects=True).text
    assert "was not deleted" in text
    assert world.count(ExecutionConnection) == 1
    position = db.session.get_one(ExecutionPosition, position.id)
    position.status = PositionStatus.CLOSED
    db.session.commit()
    visitor.post("/admin/connections/delete/", {"id": "1"})
    assert world.count(ExecutionConnection) == 0
    assert world.count(ExecutionPosition) == 1
    assert entries() == [("portal.connection.deleted", "admin@example.org")]


def test_position_when_close_is_confirmed_then_is_asked_for_once_and_audited(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    world.make_position(world.make_connection(trader))
    assert "Close position 1?" in visitor.get("/admin/positions/close/1").text
    assert db.session.get_one(ExecutionPosition, 1).close_reason is None
    for _ in range(2):
        assert visitor.post("/admin/positions/close/1").status_code == 302
    position = db.session.get_one(ExecutionPosition, 1)
    assert position.close_reason is ClosedReason.MANUAL
    assert queued(app, "exits") >= 1
    assert {actor for _, actor in entries()} == {"admin@example.org"}


def test_position_when_closed_already_then_the_button_is_gone(visitor: Visitor, trader: User) -> None:
    world.make_position(world.make_connection(trader), status=PositionStatus.CLOSED)
    assert "closed already" in visitor.get("/admin/positions/close/1").text
    visitor.post("/admin/positions/close/1")
    assert entries() == []
