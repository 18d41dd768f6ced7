"""The second factor: set up with an authenticator app, asked for at login, each code once."""

import base64
import hashlib
import hmac
import re
import struct
import time

import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from portal.db import db
from portal.models import AuditEntry, User
from portal.web import throttle
from tests.people import PASSWORD
from tests.visiting import Visitor, visit


def code_of(key: str, step: int = 0) -> str:
    """What an authenticator app shows (RFC 6238), computed without the library under test."""
    secret = base64.b32decode(
        key.replace(" ", "").replace("-", "").upper() + "=" * (-len(key.replace("-", "")) % 8)
    )
    digest = hmac.new(secret, struct.pack(">Q", int(time.time()) // 30 + step), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return str((struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000).zfill(6)


class Login:
    """A browser between password and code, with one form token: the login page would start over."""

    def __init__(self, app: Flask, email: str) -> None:
        self.visitor = visit(app)
        self.token = self.visitor.token()
        self.answer = self.send("/login", email=email, password=PASSWORD)

    def send(self, path: str, **form: str) -> TestResponse:
        return self.visitor.post_bare(path, {"csrf_token": self.token, **form})

    def is_in(self) -> bool:
        return self.visitor.get("/change").status_code == 200


def set_up(visitor: Visitor) -> str:
    """Switch the second factor on; the key."""
    page = visitor.post("/tf-setup", {"setup": "authenticator"}).text
    assert "<svg" in page
    assert "data:image" not in page
    found = re.search(r"<code>([A-Z2-7-]{16,})</code>", page)
    action = re.search(r'<form method="post" action="(/tf-[^"]+)"', page)
    assert found
    assert action
    assert visitor.post(action.group(1), {"code": code_of(found.group(1), -1)}).status_code == 302
    return found.group(1)


def test_second_factor_when_its_first_code_was_mistyped_then_the_key_in_the_app_stays_good(
    app: Flask, alice: User
) -> None:
    visitor = visit(app, alice)

    def begin() -> tuple[str, str]:
        page = visitor.post("/tf-setup", {"setup": "authenticator"}).text
        key = re.search(r"<code>([A-Z2-7-]{16,})</code>", page)
        action = re.search(r'<form method="post" action="(/tf-[^"]+)"', page)
        assert key
        assert action
        return key[1], action[1]

    key, action = begin()
    wrong = str((int(code_of(key)) + 1) % 1_000_000).zfill(6)
    refused = visitor.post(action, {"code": wrong}, follow_redirects=True).text
    assert "This code is not right" in refused
    assert "The key stays the same" in refused
    assert db.session.get_one(User, alice.id).tf_primary_method is None
    again, action = begin()
    assert again == key, "the app would show codes of a key that is gone"
    done = visitor.post(action, {"code": code_of(key)}, follow_redirects=True).text
    assert "The authenticator app is on." in done
    assert "The key stays the same" not in visitor.get("/tf-setup").text
    assert begin()[0] != key, "a change makes a new one"


def test_s36_second_factor_when_set_up_and_removed_then_leaves_its_entries(app: Flask, alice: User) -> None:
    visitor = visit(app, alice)
    set_up(visitor)
    assert visitor.post("/tf-setup", {"setup": "disable"}).status_code == 302
    entries = db.session.execute(sa.select(AuditEntry.action, AuditEntry.actor).order_by(AuditEntry.id)).all()
    of_factor = [tuple(entry) for entry in entries if "second_factor" in entry.action]
    assert of_factor == [
        ("portal.user.second_factor_set_up", alice.email),
        ("portal.user.second_factor_removed", alice.email),
    ]


def test_s05_second_factor_when_on_then_the_password_alone_is_not_enough(app: Flask, alice: User) -> None:
    key = set_up(visit(app, alice))
    stored = db.session.get_one(User, alice.id)
    assert stored.tf_primary_method == "authenticator"
    assert key.replace("-", "") not in str(stored.tf_totp_secret)
    login = Login(app, alice.email)
    assert login.answer.location.startswith("/tf-validate")
    assert "Use a recovery code" in login.visitor.get(login.answer.location).text
    assert not login.is_in()
    assert "field-error" in login.send("/tf-validate", code="000000").text
    assert not login.is_in()
    login.send("/tf-validate", code=code_of(key))
    assert login.is_in()


def test_s05_code_when_used_a_second_time_then_is_refused(app: Flask, alice: User) -> None:
    key = set_up(visit(app, alice))
    code = code_of(key)
    first, second = Login(app, alice.email), Login(app, alice.email)
    first.send("/tf-validate", code=code)
    second.send("/tf-validate", code=code)
    assert first.is_in()
    assert not second.is_in()


def test_s05_code_when_guessed_then_even_the_right_one_has_to_wait(app: Flask, alice: User) -> None:
    key = set_up(visit(app, alice))
    for _ in range(throttle.PER_ACCOUNT_AND_ADDRESS):
        Login(app, alice.email).send("/tf-validate", code="000000")
    login = Login(app, alice.email)
    assert "Too many wrong codes" in login.send("/tf-validate", code=code_of(key)).text
    assert "Too many wrong codes" in login.send("/mf-recovery", code="0000-0000-0000").text
    assert not login.is_in()


def test_s06_recovery_code_when_used_then_replaces_the_phone_once(app: Flask, alice: User) -> None:
    owner = visit(app, alice)
    set_up(owner)
    page = owner.post("/mf-recovery-codes").text
    codes = re.findall(r"\w{4}-\w{4}-\w{4}-\w{4}", page)
    assert len(codes) == 10
    assert codes[0] not in str(db.session.get_one(User, alice.id).mf_recovery_codes)
    again = owner.get("/mf-recovery-codes?show_codes=1").text
    assert not any(code in again for code in codes)
    for expected in (True, False):
        login = Login(app, alice.email)
        login.send("/mf-recovery", code=codes[0])
        assert login.is_in() is expected


def test_s06_rescue_when_asked_for_then_offers_recovery_codes_and_no_mail(app: Flask, alice: User) -> None:
    set_up(visit(app, alice))
    login = Login(app, alice.email)
    assert login.send("/tf-rescue", help_setup="recovery_code").location == "/mf-recovery"
    for asked in ("help", "email"):
        assert login.send("/tf-rescue", help_setup=asked).status_code == 200
    assert not login.is_in()


def test_s07_second_factor_page_when_the_login_is_old_then_asks_for_the_password_again(
    app: Flask, alice: User
) -> None:
    visitor = visit(app, alice)
    with visitor.client.session_transaction() as session:
        session["fs_paa"] = time.time() - 7200
    response = visitor.get("/tf-setup")
    assert response.location.startswith("/verify")
    assert "Confirm that it is you" in visitor.get(response.location).text
