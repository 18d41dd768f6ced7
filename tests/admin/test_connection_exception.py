"""Accepting a key that can withdraw: administrators only, never without a reason, always on record."""

from typing import Any

from flask import Flask

from portal.db import db, utcnow
from portal.models import AuditEntry, ExecutionConnection, User
from portal.trading.types import ConnectionStatus
from tests import world
from tests.visiting import Visitor

REASON = "This desk sweeps profits to cold storage."
UNSAFE: dict[str, Any] = {
    "can_trade": True,
    "can_withdraw": True,
    "ip_restricted": False,
    "permissions": ["x"],
}


def row() -> ExecutionConnection:
    return db.session.get_one(ExecutionConnection, 1)


def refused(trader: User) -> ExecutionConnection:
    return world.make_connection(
        trader, status=ConnectionStatus.ERROR, last_error="can withdraw", facts=UNSAFE, facts_at=utcnow()
    )


def test_exception_when_given_with_a_reason_then_is_stored_shown_and_audited(
    app: Flask, visitor: Visitor, trader: User, admin: User
) -> None:
    refused(trader)
    page = visitor.get("/admin/connections/details/?id=1").text
    assert "Accept this key" in page
    assert "ALLOWED: the key is refused" in page
    asked = visitor.get("/admin/connections/withdrawals/1").text
    assert "can take the money" in asked
    assert "nothing to accept" not in asked

    answer = visitor.post("/admin/connections/withdrawals/1", {"reason": REASON})

    assert answer.location == "/admin/connections/details/?id=1"
    given = row().withdrawal_override
    assert given is not None
    assert (given["reason"], given["by"]) == (REASON, admin.email)
    assert app.extensions["portal_redis"].llen("rq:queue:default") == 1
    page = visitor.get("/admin/connections/details/?id=1").text
    assert REASON in page
    assert "Accept this key" not in page
    assert world.count(AuditEntry) == 1


def test_exception_when_the_reason_is_missing_then_nothing_is_stored(visitor: Visitor, trader: User) -> None:
    refused(trader)
    for reason in ("", "short"):
        answer = visitor.post("/admin/connections/withdrawals/1", {"reason": reason})
        assert answer.status_code == 422
    assert row().withdrawal_override is None
    assert world.count(AuditEntry) == 0


def test_exception_when_ended_then_the_connection_stops_at_once(visitor: Visitor, trader: User) -> None:
    given = {"reason": REASON, "by": "x", "at": utcnow().isoformat(timespec="seconds")}
    world.make_connection(trader, facts=UNSAFE, withdrawal_override=given)
    assert visitor.get("/admin/connections/withdrawals/1/refuse").status_code == 405
    assert row().withdrawal_override is not None

    visitor.post("/admin/connections/withdrawals/1/refuse")

    assert row().withdrawal_override is None
    assert row().status is ConnectionStatus.ERROR


def test_exception_when_a_trader_or_a_stranger_asks_then_is_refused(
    trader_visitor: Visitor, stranger: Visitor, trader: User
) -> None:
    refused(trader)
    for path in ("/admin/connections/withdrawals/1", "/admin/connections/withdrawals/1/refuse"):
        assert trader_visitor.post(path, {"reason": REASON}).status_code == 403
        assert stranger.post(path, {"reason": REASON}).status_code == 302
    assert row().withdrawal_override is None
    assert world.count(AuditEntry) == 0


def test_exception_when_a_trader_forges_fields_then_nothing_of_it_arrives(
    trader_visitor: Visitor, trader: User
) -> None:
    refused(trader)
    forged = {"name": "Main account", "mode": "paper", "withdrawal_override": REASON, "facts": "{}"}
    trader_visitor.post("/connections/1/edit", forged)
    assert row().withdrawal_override is None
    assert row().facts["can_withdraw"] is True


def test_exception_when_the_connection_is_gone_then_is_not_found(visitor: Visitor) -> None:
    assert visitor.get("/admin/connections/withdrawals/9").status_code == 404
    assert visitor.post("/admin/connections/withdrawals/9", {"reason": REASON}).status_code == 404


def test_page_when_the_key_cannot_withdraw_then_says_that_there_is_nothing_to_accept(
    visitor: Visitor, trader: User
) -> None:
    world.make_connection(trader, facts={**UNSAFE, "can_withdraw": False}, facts_at=utcnow())
    assert "may not withdraw" in visitor.get("/admin/connections/withdrawals/1").text
