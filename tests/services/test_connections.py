"""Making, changing and removing connections."""

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import crypto
from portal.db import db, transaction
from portal.errors import ConflictError, NotFoundError, PortalError, ValidationError
from portal.models import AuditEntry, DataConnection, ExecutionConnection, TradingPreset, User
from portal.services import connections
from portal.services.connections_credentials import REQUIRED, required
from portal.trading.types import ConnectionMode, ConnectionStatus, ExecutionStatus, PositionStatus, Visibility
from tests.helpers import at_once
from tests.world import (
    count,
    make_admin,
    make_connection,
    make_execution,
    make_position,
    make_signal,
    make_user,
    save,
)

pytestmark = pytest.mark.usefixtures("app")

KEYS = {"apiKey": "key-of-mine", "secret": "secret-of-mine"}


def form(**values: Any) -> dict[str, Any]:
    return {"name": "Main", "exchange_name": "bybit", "credentials": KEYS} | values


def fresh(connection_id: int) -> ExecutionConnection:
    return db.session.get_one(ExecutionConnection, connection_id, populate_existing=True)


def queued(app: Flask) -> list[str]:
    jobs = app.extensions["portal_redis"].lrange("rq:queue:default", 0, -1)
    return [job.decode().rsplit("-", 1)[0] for job in jobs]


def test_a_new_connection_belongs_to_its_owner_is_encrypted_and_gets_a_test(app: Flask) -> None:
    alice = make_user("alice@example.com")

    made = connections.create(form(exchange_name=" Bybit "), owner=alice, actor=alice)

    assert (made.user_id, made.admin_id, made.exchange_name) == (alice.id, None, "bybit")
    assert (made.mode, made.status) == (ConnectionMode.PAPER, ConnectionStatus.ACTIVE)
    assert made.get_credentials() == KEYS
    assert "mine" not in (made.credentials or "")
    assert "mine" not in str(db.session.scalars(sa.select(AuditEntry.data)).all())
    assert queued(app) == [f"test-connection-{made.id}"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": None}, "name"),
        ({"exchange_name": "bogus"}, "exchange_name"),
        ({"exchange_name": 7}, "exchange_name"),
        ({"type": "fx"}, "type"),
        ({"mode": "real"}, "mode"),
        ({"credentials": None, "mode": "live"}, "credentials"),
        ({"credentials": None, "exchange_name": "sandbox"}, "credentials"),
        ({"credentials": "abc"}, "credentials"),
        ({"credentials": {"apiKey": "a"}}, "credentials"),
        ({"credentials": {"apiKey": "a", "secret": 5}}, "credentials"),
        ({"credentials": {"apiKey": "a", "secret": " "}}, "credentials"),
        ({"credentials": {"apiKey": "a", "secret": "b\x00"}}, "credentials"),
        ({"credentials": {**KEYS, "pin": "1"}}, "credentials"),
        ({"exchange_name": "kucoin"}, "credentials"),
        ({"settings": {"secret": "s"}}, "settings"),
        ({"settings": [1]}, "settings"),
        ({"exchange_name": "bitvavo", "settings": {"operatorId": "one"}}, "settings"),
        ({"settings": {"paper_fill_fraction": "2"}}, "settings"),
        ({"settings": {"paper_blance": 1}}, "settings"),
        ({"settings": {"a": float("nan")}}, "settings"),
        ({"settings": {"a": "\x00"}}, "settings"),
        ({"settings": {"a": "x" * 20_000}}, "settings"),
        ({"preset_id": 99}, "preset_id"),
        ({"preset_id": "x"}, "preset_id"),
        ({"data_connection_id": 99}, "data_connection_id"),
        ({"is_active": "perhaps"}, "is_active"),
        ({"is_admin_owned": True}, "is_admin_owned"),
        ({"user_id": 1}, "user_id"),
        ({"status": "active"}, "status"),
        ({"is_admin": True}, "is_admin"),
    ],
)
def test_a_form_that_cannot_be_right_is_refused_by_field_and_nothing_is_stored(
    values: dict[str, Any], field: str, app: Flask
) -> None:
    with pytest.raises(ValidationError) as refused:
        connections.create(form(**values), owner=make_user("alice@example.com"), actor="test")

    assert set(refused.value.errors) == {field}
    assert count(ExecutionConnection) == count(AuditEntry) == 0
    assert queued(app) == []


@pytest.mark.parametrize("given", [{"credentials": None}, {"credentials": {}}])
def test_a_paper_connection_needs_no_credentials(given: dict[str, Any], app: Flask) -> None:
    made = connections.create(form(**given), owner=make_user("alice@example.com"), actor="test")

    assert made.mode is ConnectionMode.PAPER
    assert not made.has_credentials()


def test_a_refusal_never_repeats_a_secret() -> None:
    with pytest.raises(ValidationError) as refused:
        connections.create(
            form(credentials={"apiKey": "canary-1\x07", "secret": "canary-2", "pass": "canary-3"}),
            owner=make_user("alice@example.com"), actor="test",
        )  # fmt: skip

    assert "canary" not in refused.value.message


def test_a_name_is_unique_per_owner_also_between_two_who_ask_at_once(app: Flask) -> None:
    alice_id, bob_id = make_user("alice@example.com").id, make_user("bob@example.com").id
    refused: list[PortalError] = []

    def make() -> None:
        try:
            connections.create(form(), owner=db.session.get_one(User, alice_id), actor="test")
        except PortalError as error:
            refused.append(error)

    at_once(app, [make] * 4)
    connections.create(form(), owner=db.session.get_one(User, bob_id), actor="test")

    assert len(refused) == 3
    assert all(isinstance(error, ValidationError) and set(error.errors) == {"name"} for error in refused)
    assert count(ExecutionConnection) == 2


def test_presets_and_data_connections_of_others_cannot_be_used() -> None:
    alice, bob = make_user("alice@example.com"), make_user("bob@example.com")
    secret = save(TradingPreset(name="secret", owner_id=bob.id))
    shared = save(TradingPreset(name="shared", owner_id=bob.id, visibility=Visibility.PUBLIC))
    source = save(DataConnection(name="prices", provider="kraken", user_id=bob.id))

    with pytest.raises(ValidationError) as refused:
        connections.create(form(preset_id=secret.id, data_connection_id=source.id), owner=alice, actor="test")
    made = connections.create(form(preset_id=shared.id), owner=alice, actor="test")

    assert set(refused.value.errors) == {"preset_id", "data_connection_id"}
    assert made.preset_id == shared.id


def test_an_administrator_may_own_one_that_executes_every_signal() -> None:
    admin = make_admin()

    made = connections.create(form(is_admin_owned=True), owner=admin, actor=admin)

    assert (made.user_id, made.admin_id, made.is_admin_owned) == (None, admin.id, True)


def test_changes_are_applied_and_written_down_and_links_can_be_removed() -> None:
    alice = make_user("alice@example.com")
    preset = save(TradingPreset(name="mine", owner_id=alice.id))
    connection = make_connection(alice, preset_id=preset.id)

    connections.update(connection.id, {"name": "New", "settings": {"a": 1}, "preset_id": None}, actor=alice)

    changed = fresh(connection.id)
    assert (changed.name, changed.settings, changed.preset_id) == ("New", {"a": 1}, None)
    assert count(AuditEntry) == 1


def test_the_owners_switch_turns_it_off_and_on_again(app: Flask) -> None:
    connection = make_connection(make_user("alice@example.com"))

    connections.update(connection.id, {"is_active": "false"}, actor="test")
    assert fresh(connection.id).status is ConnectionStatus.INACTIVE
    assert not fresh(connection.id).can_execute_trades()
    connections.update(connection.id, {"is_active": True}, actor="test")

    assert fresh(connection.id).can_execute_trades()
    assert queued(app) == [f"test-connection-{connection.id}"]


def test_a_switch_off_and_on_does_not_heal_a_broken_connection() -> None:
    connection = make_connection(make_user("a@b.c"), status=ConnectionStatus.ERROR, last_error="key revoked")

    connections.update(connection.id, {"is_active": False}, actor="test")
    connections.update(connection.id, {"is_active": True}, actor="test")

    assert fresh(connection.id).status is ConnectionStatus.ERROR
    assert fresh(connection.id).last_error == "key revoked"


@pytest.mark.parametrize(
    "field", ["user_id", "admin_id", "is_admin_owned", "status", "exchange_name", "credentials", "uid"]
)
def test_a_change_of_anything_else_is_refused(field: str) -> None:
    connection = make_connection(make_user("alice@example.com"))
    before = fresh(connection.id).credentials

    with pytest.raises(ValidationError) as refused:
        connections.update(connection.id, {field: "1", "name": "New"}, actor="test")

    assert set(refused.value.errors) == {field}
    assert (fresh(connection.id).name, fresh(connection.id).credentials) == ("Main account", before)
    assert count(AuditEntry) == 0


def test_new_credentials_replace_all_old_ones_even_unreadable_ones(app: Flask) -> None:
    connection = make_connection(make_user("alice@example.com"))
    crypto.init_keyring(app.extensions, (crypto.generate_key(),))
    try:
        connections.set_credentials(connection.id, {**KEYS, "password": ""}, actor="test")
        assert fresh(connection.id).get_credentials() == KEYS
    finally:
        crypto.init_keyring(app.extensions, app.extensions["portal_settings"].credential_keys)


def test_malformed_credentials_leave_the_old_ones() -> None:
    connection = make_connection(make_user("alice@example.com"), exchange_name="okx")
    before = fresh(connection.id).credentials

    with pytest.raises(ValidationError, match="password is missing"):
        connections.set_credentials(connection.id, KEYS, actor="test")

    assert fresh(connection.id).credentials == before


def test_two_edits_at_once_lose_nothing(app: Flask) -> None:
    connection_id = make_connection(make_user("alice@example.com")).id

    changes: list[dict[str, Any]] = [{"name": "New"}, {"settings": {"a": 1}}, {"mode": "live"}]
    at_once(app, [partial(connections.update, connection_id, data, actor="test") for data in changes])

    after = fresh(connection_id)
    assert (after.name, after.settings, after.mode) == ("New", {"a": 1}, ConnectionMode.LIVE)


def test_a_connection_with_something_open_is_neither_deleted_nor_switched_to_live() -> None:
    alice = make_user("alice@example.com")
    with_position, pending = make_connection(alice, "one"), make_connection(alice, "two")
    make_position(with_position)
    make_execution(make_signal(alice), pending, status=ExecutionStatus.PENDING)

    for connection in (with_position, pending):
        with pytest.raises(ConflictError, match="open"):
            connections.delete(connection.id, actor="test")
        with pytest.raises(ConflictError, match="open"):
            connections.update(connection.id, {"mode": "live"}, actor="test")

    assert count(ExecutionConnection) == 2
    assert count(AuditEntry) == 0


def test_a_deleted_connection_leaves_its_history() -> None:
    alice = make_user("alice@example.com")
    connection = make_connection(alice)
    execution = make_execution(make_signal(alice), connection)
    make_position(connection, status=PositionStatus.CLOSED)

    connections.delete(connection.id, actor=alice)

    assert count(ExecutionConnection) == 0
    db.session.refresh(execution)
    assert (execution.connection_id, execution.connection_name) == (None, "Main account")


def test_what_does_not_exist_cannot_be_changed() -> None:
    for call in (
        lambda: connections.update(5, {}, actor="test"),
        lambda: connections.set_credentials(5, KEYS, actor="test"),
        lambda: connections.request_test(5, actor="test"),
        lambda: connections.delete(5, actor="test"),
    ):
        with pytest.raises(NotFoundError):
            call()
    assert count(AuditEntry) == 0


def test_a_requested_test_is_queued_and_changes_no_status(app: Flask) -> None:
    connection = make_connection(make_user("alice@example.com"))

    connections.request_test(connection.id, actor="test")

    assert queued(app) == [f"test-connection-{connection.id}"]
    assert fresh(connection.id).status is ConnectionStatus.ACTIVE


def test_nobody_makes_connections_for_a_deactivated_user() -> None:
    alice = make_user("alice@example.com")
    with transaction() as session:
        session.get_one(User, alice.id).active = False

    with pytest.raises(NotFoundError):
        connections.create(form(), owner=alice, actor="test")

    assert count(ExecutionConnection) == 0


def test_the_required_credentials_are_those_of_the_installed_ccxt() -> None:
    import ccxt

    wanted = {}
    for name in ccxt.exchanges:
        needs = getattr(ccxt, name)().requiredCredentials
        wanted[name] = {credential for credential, needed in needs.items() if needed}

    assert {name: set(required(name)) for name in wanted} == wanted
    assert set(REQUIRED) <= set(wanted)
