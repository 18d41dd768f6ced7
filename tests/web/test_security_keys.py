"""S5 and S11: what is encrypted and signed with which key, and that keys can be changed."""

import base64
import os
from dataclasses import replace

import pytest
from flask import Flask

from portal import create_app, crypto
from portal.config import Settings
from portal.crypto import DecryptionError, Keyring
from portal.db import db
from portal.errors import ConfigError
from portal.models import User
from portal.services import rotation
from tests import world
from tests.people import person
from tests.visiting import visit
from tests.web.test_security_factor import Login, code_of, set_up


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_s05_seed_when_stored_then_is_under_the_credential_keys_and_bound_to_its_row(
    app: Flask, alice: User
) -> None:
    set_up(visit(app, alice))
    row = db.session.get_one(User, alice.id)
    assert str(row.totp_seed).startswith(f"v1.{crypto.keyring().primary_id}.")
    bob = world.make_user("bob@example.org", totp_seed=row.totp_seed)
    with pytest.raises(DecryptionError):
        _ = bob.tf_totp_secret


def test_s05_seed_on_its_way_into_the_row_when_the_cookie_is_read_then_is_encrypted(
    app: Flask, alice: User
) -> None:
    visitor = visit(app, alice)
    visitor.post("/tf-setup", {"setup": "authenticator"})
    with visitor.client.session_transaction() as session:
        assert str(session["tf_totp_secret"]).startswith("v1.")


def test_s05_keys_when_rotated_then_codes_go_on_without_the_old_key(
    app: Flask, settings: Settings, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = set_up(visit(app, alice))
    fresh = new_key()
    monkeypatch.setitem(app.extensions, "portal_keyring", Keyring((fresh, *settings.credential_keys)))
    assert rotation.rotate_keys() == 1
    assert rotation.rotate_keys() == 0
    monkeypatch.setitem(app.extensions, "portal_keyring", Keyring((fresh,)))
    login = Login(app, alice.email)
    login.send("/tf-validate", code=code_of(key))
    assert login.is_in()


def test_s05_seed_of_the_first_release_when_used_then_moves_under_the_credential_keys(
    app: Flask, alice: User
) -> None:
    totp = app.extensions["security"].totp_factory._totp.new()
    alice.totp_seed, alice.tf_primary_method = totp.to_json(encrypt=True), "authenticator"
    db.session.commit()
    login = Login(app, alice.email)
    login.send("/tf-validate", code=code_of(totp.base32_key))
    assert login.is_in()
    assert crypto.is_ciphertext(str(db.session.get_one(User, alice.id).totp_seed))


def test_s11_secret_key_when_replaced_then_sessions_signed_with_the_old_one_go_on(
    app: Flask, settings: Settings, alice: User
) -> None:
    visitor = visit(app, alice)
    cookie = visitor.client.get_cookie("portal")
    assert cookie is not None
    for fallbacks, status in (((settings.secret_key,), 200), ((), 302)):
        new = replace(settings, secret_key="another-key-" + "1" * 32, secret_key_fallbacks=fallbacks)
        other = create_app(new)
        there = visit(other)
        there.client.set_cookie("portal", cookie.value)
        assert there.get("/account").status_code == status
        with other.app_context():
            db.engine.dispose()


@pytest.mark.parametrize("weak", ["", "short", "s" * 31, "change-me-" + "x" * 40])
def test_s11_weak_key_when_set_then_nothing_starts(weak: str) -> None:
    environ = {
        "DATABASE_URL": "postgresql://localhost/x", "REDIS_URL": "redis://localhost/0",
        "PORTAL_SECRET_KEY": weak, "PORTAL_CREDENTIAL_KEYS": new_key(),
    }  # fmt: skip
    with pytest.raises(ConfigError, match="PORTAL_SECRET_KEY"):
        Settings.from_env(environ)


@pytest.mark.parametrize(
    ("wanted", "role", "sent"),
    [
        ("admins", "admin", True),
        ("admins", "trader", False),
        ("everyone", "trader", True),
        ("none", "admin", False),
    ],
)
def test_s05_second_factor_when_demanded_then_comes_before_anything_else(
    app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch, wanted: str, role: str, sent: bool
) -> None:
    monkeypatch.setitem(app.extensions, "portal_settings", replace(settings, require_second_factor=wanted))
    someone = person("someone@example.org", role)
    visitor = visit(app, someone)
    for path in ("/", "/connections", "/admin/"):
        answer = visitor.get(path)
        assert (answer.location == "/account") is sent, path
    assert visitor.get("/account").status_code == 200
    refused = visitor.post("/connections/new", {"name": "x", "csrf_token": visitor.token()})
    assert (refused.location == "/account") is sent
    if sent:
        set_up(visitor)
        assert visitor.get("/").status_code == 200
