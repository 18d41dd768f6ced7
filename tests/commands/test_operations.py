"""`check`, `db upgrade`, `rotate-keys`, `verify-books` and `reconcile`."""

from decimal import Decimal

from flask import Flask

from portal import crypto
from portal.db import db
from portal.models import ExecutionConnection
from tests.commands.conftest import Portal
from tests.world import count, make_admin, make_connection, make_position, make_user


def test_check_finds_nothing_in_a_sound_installation(portal: Portal) -> None:
    make_admin()

    ran = portal("check")

    assert (ran.code, ran.stdout) == (0, "All is well.\n")


def test_check_fails_on_errors_and_not_on_warnings(portal: Portal) -> None:
    warned = portal("check", "--json")
    make_connection(make_admin(), exchange_name="mtgox")
    failed = portal("check", "--json")

    assert (warned.code, warned.json["ok"]) == (0, True)
    assert [finding["id"] for finding in warned.json["findings"]] == ["portal.W106"]
    assert (failed.code, failed.json["ok"]) == (1, False)
    assert [finding["id"] for finding in failed.json["findings"]] == ["portal.E008"]
    assert failed.json["findings"][0]["hint"]


def test_check_reports_servers_that_are_away_instead_of_failing(portal: Portal) -> None:
    ran = portal("check", DATABASE_URL="postgresql://127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0")

    assert ran.code == 1
    assert "portal.E001 error: PostgreSQL" in ran.stdout
    assert "portal.E004 error: Redis" in ran.stdout


def test_the_schema_can_be_upgraded_again(portal: Portal) -> None:
    ran = portal("db", "upgrade")

    assert (ran.code, ran.stdout) == (0, "The database schema is up to date.\n")


def test_keys_are_rotated_from_the_command_line(
    portal: Portal, app: Flask, environment: dict[str, str]
) -> None:
    connection_id = make_connection(make_user("alice@example.com")).id
    old, new = environment["PORTAL_CREDENTIAL_KEYS"], crypto.generate_key()

    first = portal("rotate-keys", "--json", PORTAL_CREDENTIAL_KEYS=f"{new},{old}")
    second = portal("rotate-keys", PORTAL_CREDENTIAL_KEYS=f"{new},{old}")
    refused = portal("rotate-keys", PORTAL_CREDENTIAL_KEYS=old)

    assert first.json == {"changed": 1}
    assert second.stdout == "Everything is encrypted with the first key already.\n"
    assert refused.code == 1
    assert f"execution_connections {connection_id}" in refused.stderr
    db.session.rollback()
    crypto.init_keyring(app.extensions, (new,))
    try:
        assert (
            db.session.get_one(ExecutionConnection, connection_id).get_credential("apiKey")
            == "canary-api-key"
        )
    finally:
        crypto.init_keyring(app.extensions, (old,))


def test_books_that_agree_and_books_that_do_not(portal: Portal) -> None:
    agreed = portal("verify-books", "--json")
    make_position(make_connection(make_user("alice@example.com")), quantity=Decimal(5))
    disagreed, as_json = portal("verify-books"), portal("verify-books", "--json")

    assert (agreed.code, agreed.json) == (0, {"ok": True, "disagreements": []})
    assert (disagreed.code, as_json.code) == (1, 1)
    assert "quantity is stored as 5" in disagreed.stdout
    assert any(row["field"] == "quantity" for row in as_json.json["disagreements"])


def test_reconcile_asks_one_connection_or_all(portal: Portal) -> None:
    alice = make_user("alice@example.com")
    one, two = make_connection(alice, "one").id, make_connection(alice, "two").id

    everything, single = portal("reconcile", "--json"), portal("reconcile", "--connection", str(two))
    unknown = portal("reconcile", "--connection", "99")

    assert (everything.code, everything.json["reconciled"], everything.json["failed"]) == (0, [one, two], [])
    assert [each["name"] for each in everything.json["connections"]] == ["one", "two"]
    assert single.stdout == "Reconciled 1 of 1 connections.\n"
    assert (unknown.code, unknown.stdout) == (1, "")
    assert count(ExecutionConnection) == 2


def test_reconcile_when_the_exchange_cannot_be_read_says_so_and_fails(portal: Portal) -> None:
    connection = make_connection(make_user("alice@example.com"), "one", exchange_name="sandbox")
    connection.set_credentials({"apiKey": "key", "secret": "canary-secret"})
    db.session.commit()
    make_position(connection, quantity=Decimal(5))

    told, data = portal("reconcile"), portal("reconcile", "--json")

    assert (told.code, data.code) == (1, 1)
    assert f"Connection {connection.id} (one): failed:" in told.stdout
    assert "Reconciled 0 of 1 connections." in told.stdout
    [failed] = data.json["failed"]
    assert (failed["id"], failed["name"]) == (connection.id, "one")
    assert "canary" not in told.stdout + data.stdout
