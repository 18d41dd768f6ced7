"""What account owners can change, and what nobody else can."""

from typing import Any

import pytest
import sqlalchemy as sa

from portal.db import db
from portal.models import (
    AuditEntry,
    ExecutionConnection,
    ExecutionPosition,
    Notification,
    TradingPreset,
    User,
)
from portal.trading.types import ConnectionStatus, PositionStatus
from tests import world
from tests.visiting import Visitor
from tests.web.conftest import MakeVisitor

KEYS = {"apiKey": "key-canary-1234", "secret": "secret-canary-1234"}
NEW = {"name": "My account", "exchange_name": "bybit", "mode": "paper", "preset": "", **KEYS}


def queued(visitor: Visitor, queue: str) -> int:
    length: int = visitor.client.application.extensions["portal_redis"].llen(f"rq:queue:{queue}")
    return length


def test_position_is_closed_after_a_confirmation(visitor: Visitor, alice: User) -> None:
    position = world.make_position(world.make_connection(alice))
    before = visitor.see(f"/positions/{position.id}/close")
    assert "0.015 BTC long on Main account, is sold at the market now" in before
    assert position.close_reason is None
    answer = visitor.post(f"/positions/{position.id}/close", follow_redirects=True)
    assert "A worker closes BTC/USDT" in answer.text
    db.session.refresh(position)
    assert position.close_reason == "manual"
    assert queued(visitor, "exits") == 1


def test_position_that_is_closed_already_is_not_closed_again(visitor: Visitor, alice: User) -> None:
    position = world.make_position(
        world.make_connection(alice), status=PositionStatus.CLOSED, closed_reason="sl"
    )
    answer = visitor.post(f"/positions/{position.id}/close", follow_redirects=True)
    assert "closed already" in answer.text
    assert queued(visitor, "exits") == 0


def test_connection_is_added_for_its_owner_tested_and_never_shows_its_keys(
    visitor: Visitor, alice: User
) -> None:
    answer = visitor.post("/connections/new", NEW, follow_redirects=True)
    assert answer.status_code == 200
    assert "My account was added" in answer.text
    made = db.session.scalars(sa.select(ExecutionConnection)).one()
    assert (made.user_id, made.is_admin_owned, made.exchange_name, made.mode) == (
        alice.id,
        False,
        "bybit",
        "paper",
    )
    assert made.get_credentials() == KEYS
    assert queued(visitor, "default") == 1
    for path in ("/", "/connections", "/connections/1", "/connections/1/credentials", "/connections/1/edit"):
        assert "canary" not in visitor.get(path).text


def test_connection_of_an_administrator_is_admin_owned(visiting: MakeVisitor, admin: User) -> None:
    visiting(admin).post("/connections/new", NEW)
    made = db.session.scalars(sa.select(ExecutionConnection)).one()
    assert (made.admin_id, made.user_id, made.is_admin_owned) == (admin.id, None, True)


def test_form_with_smuggled_fields_changes_only_what_the_form_has(
    visitor: Visitor, alice: User, admin: User
) -> None:
    extra = {
        "is_admin": "1",
        "user_id": admin.id,
        "admin_id": admin.id,
        "is_admin_owned": "1",
        "status": "active",
        "owner_id": admin.id,
        "credentials": "{}",
        "uid": "7",
    }
    visitor.post("/connections/new", NEW | extra)
    made = db.session.scalars(sa.select(ExecutionConnection)).one()
    assert (made.user_id, made.admin_id, made.is_admin_owned) == (alice.id, None, False)
    visitor.post(f"/connections/{made.id}/edit", {"name": "New name", "preset": "", "mode": "live", **extra})
    db.session.refresh(made)
    assert (made.name, made.user_id, made.mode, made.is_admin_owned) == ("New name", alice.id, "paper", False)
    assert not db.session.get_one(User, alice.id).is_admin


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": "x" * 101}, "100"),
        ({"name": "Taken"}, "another connection"),
        ({"exchange_name": ""}, "Choose the exchange."),
        ({"exchange_name": "no-such-exchange"}, "Not a valid choice"),
        ({"mode": "yolo"}, "Not a valid choice"),
        ({"preset": "999"}, "Not a valid choice"),
        ({"preset": "1 OR 1=1"}, "Not a valid choice"),
        ({"apiKey": ""}, "missing"),
        ({"secret": "caf\u00e9-canary"}, "characters that no key has"),
        ({"exchange_name": "okx"}, "missing"),
    ],
)
def test_form_that_is_wrong_comes_back_with_the_reason_and_without_the_keys(
    visitor: Visitor, alice: User, wrong: dict[str, Any], words: str
) -> None:
    world.make_connection(alice, "Taken")
    answer = visitor.post("/connections/new", NEW | wrong)
    assert answer.status_code == 422
    assert words in answer.text
    assert "canary" not in answer.text
    assert world.count(ExecutionConnection) == 1


def test_somebody_elses_private_preset_cannot_be_chosen(visitor: Visitor, bob: User) -> None:
    preset = world.save(TradingPreset(name="Bob's recipe", owner_id=bob.id))
    assert "Bob's recipe" not in visitor.see("/connections/new")
    assert visitor.post("/connections/new", NEW | {"preset": str(preset.id)}).status_code == 422
    assert world.count(ExecutionConnection) == 0


def test_credentials_are_replaced_as_a_whole_and_tested(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice)
    answer = visitor.post(f"/connections/{connection.id}/credentials", KEYS, follow_redirects=True)
    assert "were replaced" in answer.text
    db.session.refresh(connection)
    assert connection.get_credentials() == KEYS
    assert queued(visitor, "default") == 1
    refused = visitor.post(f"/connections/{connection.id}/credentials", {"apiKey": "only-one"})
    assert refused.status_code == 422
    assert connection.get_credentials() == KEYS


def test_entering_keys_needs_a_fresh_login(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice)
    with visitor.client.session_transaction() as session:
        session["fs_paa"] = 1
    for path in ("/connections/new", f"/connections/{connection.id}/credentials"):
        page = visitor.get(path)
        assert page.status_code == 302
        assert "/verify" in page.headers["Location"]
        asked = visitor.post(path, NEW)
        assert asked.status_code == 401
        assert "canary" not in asked.text
    db.session.refresh(connection)
    assert connection.get_credential("apiKey") == "canary-api-key"
    assert world.count(ExecutionConnection) == 1


def test_connection_is_switched_off_and_on(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice)
    for to, active, status in (
        ("off", False, ConnectionStatus.INACTIVE),
        ("on", True, ConnectionStatus.ACTIVE),
    ):
        answer = visitor.post(f"/connections/{connection.id}/switch", {"to": to}, follow_redirects=True)
        assert f"switched {to}" in answer.text
        db.session.refresh(connection)
        assert (connection.is_active, connection.status) == (active, status)


def test_connection_test_is_asked_of_a_worker(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice)
    answer = visitor.post(f"/connections/{connection.id}/test", follow_redirects=True)
    assert "A test was asked for." in answer.text
    assert queued(visitor, "default") == 1


def test_notifications_are_marked_as_read_one_by_one_or_all_but_only_ones_own(
    visitor: Visitor, alice: User, bob: User
) -> None:
    mine = [world.make_notification(alice, f"Mine {number}") for number in range(3)]
    his = world.make_notification(bob, "His")
    assert visitor.post(f"/notifications/{mine[0].id}/read", {"back": "home"}).headers["Location"] == "/"
    unread = sa.select(Notification.id).where(Notification.read_at.is_(None)).order_by(Notification.id)
    assert db.session.scalars(unread).all() == [mine[1].id, mine[2].id, his.id]
    answer = visitor.post("/notifications/read", {"back": "https://evil.example"})
    assert answer.headers["Location"] == "/notifications"
    db.session.rollback()
    assert db.session.scalars(unread).all() == [his.id]


@pytest.fixture
def bobs(bob: User, admin: User) -> dict[str, int]:
    connection = world.make_connection(bob, "Bob's secret stash")
    execution = world.make_execution(world.make_signal(admin), connection)
    world.make_log(execution)
    return {
        "connection": connection.id,
        "execution": execution.id,
        "position": world.make_position(connection, execution_id=execution.id).id,
        "notification": world.make_notification(bob, "Bob's news").id,
    }


FOREIGN = [
    ("GET", "/connections/{connection}"),
    ("GET", "/connections/{connection}/health"),
    ("GET", "/connections/{connection}/edit"),
    ("GET", "/connections/{connection}/credentials"),
    ("POST", "/connections/{connection}/edit"),
    ("POST", "/connections/{connection}/credentials"),
    ("POST", "/connections/{connection}/test"),
    ("POST", "/connections/{connection}/switch"),
    ("GET", "/executions/{execution}"),
    ("GET", "/positions/{position}"),
    ("GET", "/positions/{position}/close"),
    ("POST", "/positions/{position}/close"),
    ("GET", "/positions/{position}/stop"),
    ("POST", "/positions/{position}/stop"),
    ("POST", "/notifications/{notification}/read"),
]


def test_table_of_foreign_routes_is_complete(visitor: Visitor) -> None:
    ours = ("home.", "connections.", "executions.", "positions.", "notifications.")
    routes = {
        (method, rule.rule)
        for rule in visitor.client.application.url_map.iter_rules()
        if rule.endpoint.startswith(ours) and "<" in rule.rule
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    named = {(method, path.replace("{", "<row_id:").replace("}", "_id>")) for method, path in FOREIGN}
    assert routes == named


@pytest.mark.parametrize("case", range(len(FOREIGN)))
def test_another_users_thing_is_not_found_and_nothing_changes(
    visitor: Visitor, visiting: MakeVisitor, admin: User, bobs: dict[str, int], case: int
) -> None:
    method, path = FOREIGN[case]
    tables = (ExecutionConnection, ExecutionPosition, Notification, AuditEntry)

    def snapshot() -> list[Any]:
        db.session.rollback()
        return [
            db.session.execute(sa.select(sa.inspect(table).local_table).order_by("id")).all()
            for table in tables
        ]

    before = snapshot()
    redis = visitor.client.application.extensions["portal_redis"]
    for person in (visitor, visiting(admin)):
        token = person.token()
        data = {"csrf_token": token, "to": "off", "name": "Mine now", "preset": "", **KEYS}
        jobs = redis.keys("rq:*")
        for ids in (bobs, dict.fromkeys(bobs, 999), dict.fromkeys(bobs, 10**30)):
            answer = person.open(path.format(**ids), method=method, data=data if method == "POST" else None)
            assert answer.status_code == 404
            assert "Bob" not in answer.text
        assert redis.keys("rq:*") == jobs
    assert snapshot() == before


def test_lists_never_hold_another_users_rows(visitor: Visitor, bobs: dict[str, int]) -> None:
    for path in ("/", "/connections", "/positions", "/positions?show=all", "/executions", "/notifications"):
        assert "Bob" not in visitor.get(path).text


@pytest.mark.parametrize(("method", "path"), [route for route in FOREIGN if route[0] == "POST"])
def test_post_without_a_csrf_token_is_refused(visitor: Visitor, alice: User, method: str, path: str) -> None:
    connection = world.make_connection(alice)
    position = world.make_position(connection)
    notification = world.make_notification(alice)
    ids = {"connection": connection.id, "position": position.id, "notification": notification.id}
    answer = visitor.open(path.format(**ids), method="POST", data={"to": "off", "name": "x", **KEYS})
    assert answer.status_code == 400
    for row in (connection, position, notification):
        db.session.refresh(row)
    assert (connection.is_active, position.close_reason, notification.read_at) == (True, None, None)
    assert world.count(AuditEntry) == 0
