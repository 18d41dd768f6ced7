"""The page of settings: everything that can be set, and never a secret."""

from dataclasses import fields, replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import crypto
from portal.config import Settings
from portal.db import db
from portal.models import ExecutionConnection
from portal.services import key_usage
from portal.services.settings_report import lines, place_of
from tests import world
from tests.admin.conftest import Panel
from tests.conftest import CREDENTIAL_KEY, SECRET_KEY
from tests.visiting import Visitor

CANARY = "kanarienvogel"


def test_page_when_read_then_has_every_setting_versions_and_no_secret(
    app: Flask, settings: Settings, panel: Panel, visitor: Visitor
) -> None:
    loaded = replace(
        settings,
        secret_key_fallbacks=(f"{CANARY}-one-{'x' * 32}", f"{CANARY}-two-{'x' * 32}"),
        database_url=f"postgresql+psycopg://portico:{CANARY}@db.example:5432/books?password={CANARY}",
        redis_url=f"rediss://user:{CANARY}@queue.example:6380/2?password={CANARY}",
        max_order_notional=Decimal(5000),
        live_trading=True,
    )
    before = app.extensions["portal_settings"]
    app.extensions["portal_settings"] = loaded
    try:
        text = visitor.get("/admin/settings/").text
    finally:
        app.extensions["portal_settings"] = before
    for item in fields(Settings):
        assert f"<code>{item.metadata['env']}</code>" in text, item.name
    for secret in (CANARY, SECRET_KEY, CREDENTIAL_KEY, "canary"):
        assert secret not in text
    for words in (
        "postgresql+psycopg://db.example:5432/books", "rediss://queue.example:6380/2", "set (2)", "5000",
        crypto.keyring().primary_id, "<dt>ccxt</dt>", "<dt>Redis</dt>", "docs/configuration.md",
    ):  # fmt: skip
        assert words in text, words
    assert "does not fit" not in text


def test_lines_when_asked_where_a_value_comes_from_then_they_say_it(tmp_path: Path) -> None:
    kept = tmp_path / "secrets"
    kept.mkdir()
    (kept / "secret_key").write_text("x" * 40)
    settings = Settings(
        data_dir=tmp_path, secret_key="x" * 40, log_level="DEBUG", notify_private_hosts=("10.0.0.1",)
    )
    environ = {"PORTAL_LOG_LEVEL": "DEBUG", "PORTAL_CREDENTIAL_KEYS_FILE": "/run/keys", "PORTAL_EGRESS": ""}
    found = {line.name: (line.value, line.source) for line in lines(settings, environ)}
    assert found["PORTAL_LOG_LEVEL"] == ("DEBUG", "environment")
    assert found["PORTAL_CREDENTIAL_KEYS"][1] == "file"
    assert found["PORTAL_SECRET_KEY"] == ("set", "data dir")
    assert found["PORTAL_NOTIFY_PRIVATE_HOSTS"] == ("10.0.0.1", "given at the start")
    assert found["PORTAL_EGRESS"] == ("default", "default")
    assert found["PORTAL_LIVE_TRADING"] == ("false", "default")
    assert found["PORTAL_MAX_ORDER_NOTIONAL"] == ("not set", "default")
    assert found["REDIS_URL"] == ("not set", "default")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://u:p@h:5432/d", "postgresql+psycopg://h:5432/d"),
        ("postgresql+psycopg://postgres@/d?host=/run/pg", "postgresql+psycopg:///run/pg/d"),
        ("unix:///run/redis.sock?db=0&password=p", "unix:///run/redis.sock"),
        ("redis://:p@h/0", "redis://h/0"),
        ("redis://u:p@[h", "set"),
        ("redis://u:p@h:port/0", "set"),
    ],
)
def test_address_when_shown_then_has_no_password(url: str, shown: str) -> None:
    assert place_of(url) == shown


def test_keys_when_something_is_under_an_old_or_missing_one_then_it_is_counted(
    app: Flask, panel: Panel, visitor: Visitor
) -> None:
    alice = world.make_user("bob@example.org")
    for name in ("one", "two"):
        world.make_connection(alice, name)
    sealed = sa.func.replace(ExecutionConnection.credentials, crypto.keyring().primary_id, "0ld0ld00")
    db.session.execute(
        sa.update(ExecutionConnection).where(ExecutionConnection.name == "two").values(credentials=sealed)
    )
    db.session.commit()
    first, missing = key_usage.key_usage()
    assert (first.primary, first.configured, first.secrets) == (True, True, 3)
    assert (missing.key_id, missing.configured, missing.secrets) == ("0ld0ld00", False, 1)
    text = visitor.get("/admin/settings/").text
    assert "cannot be read" in text
    assert "canary" not in text
