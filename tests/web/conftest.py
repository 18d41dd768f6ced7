"""People in front of the portal pages."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.models import User
from tests.people import admin, alice, bob
from tests.visiting import sign_in

__all__ = ["admin", "alice", "bob"]

MakeVisitor = Callable[[User], "Visitor"]


@dataclass(frozen=True)
class Visitor:
    """A browser in which somebody is logged in."""

    client: FlaskClient
    user: User

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, **options)

    def open(self, path: str, **options: Any) -> TestResponse:
        # In a context of its own, as on a server: the one of the test would keep who was logged in before.
        with self.client.application.app_context():
            return self.client.open(path, **options)

    def see(self, path: str) -> str:
        """The page as text, without markup."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return words(answer.text)

    def csrf_token(self) -> str:
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/").text)
        assert found is not None
        return found[1]

    def post(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        return self.open(
            path, method="POST", data={"csrf_token": self.csrf_token()} | (data or {}), **options
        )


def words(page: str) -> str:
    """What a person reads of a page."""
    text = re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(text))


@pytest.fixture
def visiting(app: Flask) -> MakeVisitor:
    def make(user: User) -> Visitor:
        client = app.test_client()
        with client.session_transaction() as session:
            sign_in(session, user)
            session["fs_cc"] = "set"
        return Visitor(client, user)

    return make


@pytest.fixture
def visitor(visiting: MakeVisitor, alice: User) -> Visitor:
    """Alice."""
    return visiting(alice)
