"""What is kept is kept apart: ciphertexts belong to one row, the key is in no table, deletion deletes; what
stands in front of us is believed as far as it was configured."""

import base64

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import crypto
from portal.config import Settings
from portal.crypto import DecryptionError
from portal.db import db
from portal.jobs.table import QUEUES
from portal.models import DataConnection, ExecutionConnection, User
from portal.services import connections
from portal.services.health_checks import run_checks
from portal.web import throttle
from tests import world
from tests.security import tenants
from tests.security.routes import routes
from tests.visiting import Visitor, visit

SECRETS = {"apiKey": "kanarienvogel-key", "secret": "kanarienvogel-secret"}


def test_s19_ciphertext_when_moved_to_another_row_table_or_field_is_refused(app: Flask, alice: User) -> None:
    mine, other = world.make_connection(alice, "Mine"), world.make_connection(alice, "Other")
    feed = world.save(DataConnection(name="Prices", provider="binance"))
    mine.set_credentials(SECRETS)
    taken = mine.credentials
    assert mine.get_credentials() == SECRETS
    for row in (other, feed):
        row.credentials = taken
        with pytest.raises(DecryptionError):
            row.get_credentials()
    mine.uid = "another identity of the row"
    with pytest.raises(DecryptionError):
        mine.get_credentials()
    assert taken is not None
    with pytest.raises(DecryptionError):
        crypto.keyring().decrypt(taken, f"execution_connections:{other.uid}:settings")


@pytest.mark.parametrize("place", [0, 3, -1, -20, 30])
def test_s19_ciphertext_when_one_bit_of_it_changes_is_refused(app: Flask, alice: User, place: int) -> None:
    row = world.make_connection(alice)
    row.set_credentials(SECRETS)
    text = str(row.credentials)
    row.credentials = text[:place] + ("A" if text[place] != "A" else "B") + text[place:][1:]
    with pytest.raises(DecryptionError):
        row.get_credentials()


def test_s19_same_secrets_twice_are_two_ciphertexts(app: Flask, alice: User) -> None:
    row = world.make_connection(alice)
    seen = set()
    for _ in range(50):
        row.set_credentials(SECRETS)
        seen.add(row.credentials)
    assert len(seen) == 50


def test_s20_s44_no_table_holds_a_key_or_a_secret_in_the_clear(
    app: Flask, settings: Settings, alice: User
) -> None:
    """So a dump of the database is worth nothing without the key, which is kept elsewhere."""
    world.make_connection(alice).set_credentials(SECRETS)
    db.session.commit()
    dump = str(tenants.state())
    for key in settings.credential_keys:
        assert key not in dump
        assert base64.b64decode(key).hex() not in dump
    assert settings.secret_key not in dump
    assert "kanarienvogel" not in dump
    row = db.session.scalars(sa.select(ExecutionConnection)).one()
    crypto.init_keyring(app.extensions, (crypto.generate_key(),))
    try:
        with pytest.raises(DecryptionError):
            row.get_credentials()
    finally:
        crypto.init_keyring(app.extensions, settings.credential_keys)
    assert row.get_credentials()


def test_s44_connection_when_deleted_leaves_no_ciphertext_and_its_history_stays(
    app: Flask, admin: User, alice: User
) -> None:
    connection = world.make_connection(alice)
    connection.set_credentials(SECRETS)
    db.session.commit()
    stored, key = str(connection.credentials), connection.id
    execution = world.make_execution(world.make_signal(admin), connection)
    connections.delete(key, actor=alice)
    after = tenants.state()
    assert stored not in str(after)
    assert after["execution_connections"] == []
    assert len(after["executions"]) == 1
    assert execution.connection_name == "Main account"


def test_s44_user_when_deleted_takes_the_tokens_and_sessions_along(
    app: Flask, alice: User, admin: User
) -> None:
    tenants.settle(alice, admin, "alice")
    key = alice.id
    connections_of = sa.select(ExecutionConnection.id).where(ExecutionConnection.user_id == key)
    for row in db.session.scalars(connections_of).all():
        db.session.delete(db.session.get_one(ExecutionConnection, row))
    db.session.flush()
    db.session.delete(db.session.get_one(User, key))
    db.session.commit()
    for name in ("api_tokens", "user_sessions", "passkeys", "notification_channels"):
        assert tenants.state()[name] == [], name


def test_s25_check_when_redis_evicts_keys_or_is_reached_over_the_network_says_what_is_right(
    app: Flask, settings: Settings
) -> None:
    """In embedded mode it listens on a socket in a directory of its owner alone."""
    assert str(settings.redis_url).startswith("unix://")
    redis = app.extensions["portal_redis"]
    assert redis.config_get("port")["port"] == "0"
    folder = settings.data_dir.stat()
    assert folder.st_mode & 0o066 == 0
    before = redis.config_get("maxmemory-policy")["maxmemory-policy"]
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "portal.E005" in {finding.id for finding in run_checks(settings)}
    finally:
        redis.config_set("maxmemory-policy", before)


def test_s34_queues_are_for_administrators_and_change_by_post_alone(
    app: Flask, alice: User, stranger: Visitor
) -> None:
    ours = [
        route for route in routes(app, dict.fromkeys(tenants.TABLES, 1)) if route.blueprint == "rq_dashboard"
    ]
    assert len(ours) >= 10
    trader = visit(app, alice)
    token = trader.token()
    for route in ours:
        word = route.endpoint.partition(".")[2]
        changes = any(part in word for part in ("delete", "requeue", "empty", "compact", "redrive"))
        assert route.method == ("POST" if changes else "GET") or not changes, route
        assert trader.open(route.path, method=route.method, data={"csrf_token": token}).status_code == 403, (
            route
        )
        assert stranger.open(route.path, method=route.method).status_code in {302, 400}, route
    assert QUEUES


def test_s41_address_that_a_caller_claims_does_not_undo_the_throttle(app: Flask, alice: User) -> None:
    """Guessing from one address with a new X-Forwarded-For each time is still guessing from one address."""
    visitor, texts = visit(app), []
    for number in range(throttle.PER_ACCOUNT_AND_ADDRESS + 2):
        headers = {
            "X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"198.51.100.{number}",
            "Forwarded": f"for=192.0.2.{number}",
        }  # fmt: skip
        data = {"csrf_token": visitor.token(), "email": alice.email, "password": "wrong"}
        texts.append(visitor.open("/login", method="POST", data=data, headers=headers).text)
    assert "Too many wrong passwords" in texts[-1]


def test_s41_claimed_host_and_scheme_change_no_address_that_we_send(app: Flask, stranger: Visitor) -> None:
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
    }
    for path in ("/", "/admin/", "/connections"):
        answer = stranger.open(path, method="GET", headers=headers)
        assert "evil" not in answer.headers.get("Location", "")
        assert "evil" not in answer.text
