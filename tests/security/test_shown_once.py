"""Forms whose answer shows a secret once: pressed twice they make one, and whoever pressed can read it."""

import contextvars
import html
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.db import db
from portal.jobs import queues
from portal.models import User
from tests import world
from tests.security.test_twice import counts
from tests.visiting import sign_in

#: Whose button, the page that has it, where it is sent to, what is typed, the action in the audit trail.
FORMS = {
    "token of an owner": (
        "alice", "/account", "/account/tokens", {"name": "alerts", "scopes": "read"}, "portal.token.created",
    ),
    "token by an administrator": (
        "admin", "/admin/tokens/new/", "/admin/tokens/new/", {"user_id": "1", "name": "x", "scopes": "read"},
        "portal.token.created",
    ),
    "invitation": (
        "admin", "/admin/invitations/new/", "/admin/invitations/new/",
        {"email": "carol@example.org", "role": "trader"}, "portal.invitation.made",
    ),
    "user": (
        "admin", "/admin/users/new/", "/admin/users/new/", {"email": "carol@example.org", "role": "trader"},
        "portal.user.created",
    ),
    "password": (
        "admin", "/admin/users/details/?id=1", "/admin/users/password/1", {}, "portal.user.password_changed",
    ),
    "recovery codes": (
        "alice", "/mf-recovery-codes", "/mf-recovery-codes", {}, "portal.user.recovery_codes_made",
    ),
}  # fmt: skip
_SECRET = re.compile(r'<code class="once">([^<]+)<|<pre class="codes">([^<]+)<')


def secret_of(answer: TestResponse) -> str:
    found = _SECRET.search(answer.text)
    assert found, answer.text[-2000:]
    return html.unescape(found.group(1) or found.group(2)).strip()


class Browser:
    """Two tabs of one person, with the form opened once."""

    def __init__(self, app: Flask, kind: str, alice: User, admin: User) -> None:
        who, self.page, self.target, self.typed, self.action = FORMS[kind]
        self._app = app
        self._tabs = [app.test_client() for _ in range(2)]
        with self._tabs[0].session_transaction() as session:
            sign_in(session, alice if who == "alice" else admin)
        self.open()

    def open(self) -> None:
        """The page, anew: with a form that was not sent yet."""
        before = getattr(self, "token", None)
        until = time.monotonic() + 30
        while True:
            found = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', self._get(self._tabs[0]).text)
            if found and found[0] != before:
                break
            assert time.monotonic() < until
            time.sleep(0.1)
        self.token = found[0]
        cookie = self._tabs[0].get_cookie("portal")
        assert cookie is not None
        self._tabs[1].set_cookie("portal", cookie.value)

    def press(self, number: int = 0) -> TestResponse:
        with self._app.app_context():
            data = {"csrf_token": self.token, **self.typed}
            return contextvars.Context().run(
                self._tabs[number].post, self.target, data=data, buffered=True
            )  # fmt: skip

    def press_both(self) -> list[TestResponse]:
        db.session.remove()
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(self.press, range(2)))

    def _get(self, tab: FlaskClient) -> TestResponse:
        return contextvars.Context().run(tab.get, self.page)


@contextmanager
def one_behind_the_other(app: Flask, target: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The view begins its work when the second press is there, too."""
    redis = app.extensions["portal_redis"]
    endpoint = app.url_map.bind("localhost").match(target, method="POST")[0]
    view = app.view_functions[endpoint]

    def call(*args: Any, **kwargs: Any) -> Any:
        until = time.monotonic() + 30
        while not redis.keys("portal:sent:*:waiting") and time.monotonic() < until:
            time.sleep(0.01)
        return view(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setitem(app.view_functions, endpoint, call)
        yield


@pytest.mark.parametrize("kind", FORMS)
def test_form_with_a_secret_when_pressed_twice_then_makes_one_and_both_answers_show_it(
    app: Flask, alice: User, admin: User, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    browser = Browser(app, kind, alice, admin)
    before = counts()
    with one_behind_the_other(app, browser.target, monkeypatch):
        answers = browser.press_both()
    assert [each.status_code for each in answers] == [200, 200]
    secrets = {secret_of(each) for each in answers}
    assert len(secrets) == 1
    made = counts() - before
    assert made[browser.action] == 1, made
    for each in answers:
        nonce = re.search(r"nonce-([\w-]+)'", each.headers["Content-Security-Policy"])
        assert nonce
        assert f'nonce="{nonce.group(1)}"' in each.text, "its scripts may run"
        assert each.headers["Cache-Control"] == "no-store"
    redis = app.extensions["portal_redis"]
    (secret,) = secrets
    for key in redis.keys("portal:sent:*"):
        assert secret.encode() not in (redis.get(key) or b""), "what is kept for a moment is encrypted"
        redis.expire(key, 1) if key.endswith(b":page") else None

    until = time.monotonic() + 30
    while redis.keys("portal:sent:*:page"):
        assert time.monotonic() < until
        time.sleep(0.05)
    late = browser.press()
    assert late.status_code == 409
    assert "shown once, in the answer to that" in late.text
    assert secret not in late.text
    assert counts() - before == made, "nothing more was made"


def test_form_with_a_secret_when_opened_again_then_makes_another(
    app: Flask, alice: User, admin: User
) -> None:
    browser = Browser(app, "token of an owner", alice, admin)
    first = secret_of(browser.press())
    assert browser.press().status_code == 409
    browser.open()
    assert secret_of(browser.press()) != first


def test_form_with_a_secret_when_it_was_refused_then_may_be_sent_again(
    app: Flask, alice: User, admin: User
) -> None:
    browser = Browser(app, "user", alice, admin)
    browser.typed = {"email": world.make_user("dora@example.org").email, "role": "trader"}
    for _ in range(2):
        assert "There is a user with this address already" in browser.press().text


def test_form_with_a_secret_when_redis_is_away_then_works(
    app: Flask, alice: User, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(app, "token of an owner", alice, admin)
    monkeypatch.setitem(app.extensions, "portal_redis", queues.connect("redis://127.0.0.1:1/0", timeout=0.2))
    assert secret_of(browser.press()) != secret_of(browser.press())
