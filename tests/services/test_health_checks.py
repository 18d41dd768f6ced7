"""The start-up checks: what they find, and that they find nothing when all is well."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis

from portal import create_app, crypto
from portal.config import Settings
from portal.db import db
from portal.services import trading_state
from portal.services.health_checks import Level, run_checks
from portal.trading.types import ConnectionMode, ConnectionStatus, TradingStateValue
from tests.jobs.redis_server import RedisServer
from tests.world import make_admin, make_connection, make_user


@pytest.fixture
def sound(app: Flask, settings: Settings, tmp_path: Path) -> Settings:
    """Settings and rows of an installation without a flaw."""
    make_connection(make_admin(), exchange_name="bybit")
    return replace(settings, data_dir=tmp_path)


def found(settings: Settings) -> list[str]:
    return [finding.id for finding in run_checks(settings)]


def test_a_sound_installation_has_no_findings(sound: Settings) -> None:
    assert run_checks(sound) == []


def test_secret_files_that_others_can_read_are_found(sound: Settings) -> None:
    path = sound.data_dir / "secrets" / "secret_key"
    path.parent.mkdir()
    path.write_text("x")
    path.chmod(0o644)

    [finding] = run_checks(sound)

    assert (finding.id, finding.level) == ("portal.E006", Level.ERROR)
    assert f"chmod 600 {path}" in finding.hint
    path.chmod(0o600)
    assert run_checks(sound) == []


def test_credentials_under_a_lost_key_and_under_an_old_key_are_told_apart(
    sound: Settings, app: Flask
) -> None:
    keys = app.extensions["portal_settings"].credential_keys
    try:
        crypto.init_keyring(app.extensions, (crypto.generate_key(),))
        assert found(sound) == ["portal.E007"]
        crypto.init_keyring(app.extensions, (crypto.generate_key(), *keys))
        assert found(sound) == ["portal.W103"]
    finally:
        crypto.init_keyring(app.extensions, keys)


def test_unknown_exchanges_and_a_practice_exchange_without_address_are_found(sound: Settings) -> None:
    alice = make_user("alice@example.com")
    make_connection(alice, "gone", exchange_name="mtgox")
    make_connection(alice, "practice", exchange_name="sandbox")

    assert found(sound) == ["portal.E008", "portal.W108"]
    assert found(replace(sound, exchange_urls={"sandbox": "http://127.0.0.1:1"})) == ["portal.E008"]


def test_connections_that_do_not_trade_are_found(sound: Settings) -> None:
    alice = make_user("alice@example.com")
    make_connection(alice, "live", exchange_name="bybit", mode=ConnectionMode.LIVE)
    make_connection(alice, "broken", exchange_name="bybit", status=ConnectionStatus.ERROR)

    assert found(sound) == ["portal.W104", "portal.W105"]
    assert found(replace(sound, live_trading=True)) == ["portal.W105"]


def test_a_missing_administrator_and_a_halt_are_found(app: Flask, settings: Settings, tmp_path: Path) -> None:
    trading_state.set_state("exchange", "bybit", TradingStateValue.HALTED, actor="test")

    findings = run_checks(replace(settings, data_dir=tmp_path))

    assert [finding.id for finding in findings] == ["portal.W106", "portal.W107"]
    assert findings[1].hint == "`portal resume --scope exchange:bybit` ends it."


def test_f21_a_redis_that_forgets_and_does_not_write_is_found(
    sound: Settings, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RedisServer()
    server.start()
    try:
        with Redis.from_url(server.url) as client:
            monkeypatch.setitem(app.extensions, "portal_redis", client)
            assert found(sound) == []
            client.config_set("maxmemory-policy", "allkeys-lru")
            client.config_set("appendonly", "no")
            assert found(sound) == ["portal.E005", "portal.W102"]
            client.config_set("maxmemory-policy", "noeviction")
            client.replicaof("127.0.0.1", "1")
            assert found(sound) == ["portal.E010", "portal.W102"]
    finally:
        server.close()


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[Settings]:
    """Settings whose database and Redis do not exist."""
    nowhere = replace(
        settings,
        database_url="postgresql+psycopg://user:canary@127.0.0.1:1/x",
        redis_url="redis://127.0.0.1:1/0",
    )
    app = create_app(nowhere, faces=False)
    with app.app_context():
        yield nowhere
        db.session.remove()


def test_servers_that_do_not_answer_are_found_without_their_passwords(elsewhere: Settings) -> None:
    findings = run_checks(elsewhere)

    assert [finding.id for finding in findings] == ["portal.E001", "portal.E004"]
    assert "canary" not in str(findings)
    assert "***" in findings[0].message


def test_f59_a_database_without_the_migrations_is_found(app: Flask, sound: Settings) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE kept AS SELECT * FROM alembic_version")
        connection.exec_driver_sql("DELETE FROM alembic_version")
    try:
        assert found(sound) == ["portal.E002"]
    finally:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO alembic_version SELECT * FROM kept")
            connection.exec_driver_sql("DROP TABLE kept")


def test_operations_page_lists_exactly_the_findings_that_exist() -> None:
    root = Path(__file__).parents[2]
    in_code = {
        number
        for path in (root / "portal" / "services").glob("health_checks*.py")
        for number in re.findall(r'"(portal\.[EW]\d{3})"', path.read_text())
    }
    table = re.findall(
        r"^\| `(portal\.[EW]\d{3})` \|", (root / "docs" / "operations.md").read_text(), re.MULTILINE
    )

    assert sorted(in_code) == table
