"""An administrator, two traders, and what their programs call with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.models import User
from portal.models.token import SCOPES
from portal.services import tokens
from tests.people import admin, alice, bob

__all__ = ["admin", "alice", "bob"]

MakeCaller = Callable[..., "Caller"]


@dataclass(frozen=True)
class Caller:
    """A program with a token."""

    client: FlaskClient
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.open(path, method="POST", json=json, **options)

    def open(self, path: str, **options: Any) -> TestResponse:
        headers = {**self.headers, **options.pop("headers", {})}
        # In a context of its own, as on a server: the one of the test would be shared by all requests.
        with self.client.application.app_context():
            return self.client.open(path, headers=headers, **options)

    def raw(self, path: str, body: str | bytes, content_type: str = "application/json") -> TestResponse:
        return self.post(path, data=body, content_type=content_type)


@pytest.fixture
def calling(app: Flask) -> MakeCaller:
    """`calling(user, "read")`: a caller with a fresh token; all scopes when none is named."""

    def make(user: User, *scopes: str) -> Caller:
        token = tokens.create_token(user, scopes or SCOPES, actor="tests")
        return Caller(app.test_client(), token)

    return make


@pytest.fixture
def as_admin(calling: MakeCaller, admin: User) -> Caller:
    return calling(admin)


@pytest.fixture
def as_alice(calling: MakeCaller, alice: User) -> Caller:
    return calling(alice)


@pytest.fixture
def buy() -> dict[str, Any]:
    """The smallest signal."""
    return {"currency_pair": "BTC/USDT", "direction": "buy"}
