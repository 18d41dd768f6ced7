"""A person with a browser, for tests of pages: logged in without a password, form tokens sent along."""

import contextvars
import html
import re
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.db import db
from portal.models import User
from portal.services import sessions
from portal.web.security_sessions import SESSION_KEY

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass
class Visitor:
    """Requests run outside the test's own app context, as they do on a server: nothing on `g` is shared."""

    client: FlaskClient

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, method="GET", **options)

    def post(self, path: str, data: Mapping[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form with the token of this session."""
        return self.open(path, method="POST", data={"csrf_token": self.token(), **(data or {})}, **options)

    def post_bare(self, path: str, data: Mapping[str, Any] | None = None, **options: Any) -> TestResponse:
        """Send a form without a token."""
        return self.open(path, method="POST", data=dict(data or {}), **options)

    def see(self, path: str) -> str:
        """The page as text, without markup."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return words(answer.text)

    def token(self) -> str:
        for path in ("/change", "/login"):
            found = _TOKEN.search(self.get(path).text)
            if found:
                return found.group(1)
        raise AssertionError("no page has a form token")

    def open(self, path: str, **options: Any) -> TestResponse:
        response = contextvars.Context().run(self.client.open, path, buffered=True, **options)
        # What the request committed is what the test reads next.
        db.session.rollback()
        return response


def words(page: str) -> str:
    """What a person reads of a page."""
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(text))


def visit(app: Flask, user: User | None = None) -> Visitor:
    """A new browser; logged in as `user` when one is given."""
    client = app.test_client()
    if user is not None:
        with client.session_transaction() as session:
            sign_in(session, user)
    return Visitor(client)


def sign_in(session: MutableMapping[str, Any], user: User) -> None:
    """Make the cookie `session` one of `user` who has just logged in."""
    token = sessions.open_session(user, "127.0.0.1", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
    db.session.commit()
    session[SESSION_KEY] = token
    session["_user_id"] = user.fs_uniquifier
    session["_fresh"] = True
    session["fs_paa"] = time.time()
