"""The people in tests: an administrator and two account owners. All of them can log in with PASSWORD."""

from functools import cache
from typing import Any

import pytest
from flask import Flask

from portal.models import ADMIN, TRADER, User
from portal.services import passwords
from tests import world

PASSWORD = "correct horse battery"


@cache
def _hashed() -> str:
    # Slow on purpose: once for everybody.
    return passwords.hash_password(PASSWORD)


def person(email: str, role: str = TRADER, **values: Any) -> User:
    """Somebody who can log in with PASSWORD."""
    return world.make_user(email, role, password=_hashed(), **values)


@pytest.fixture
def admin(app: Flask) -> User:
    return person("admin@example.org", ADMIN)


@pytest.fixture
def alice(app: Flask) -> User:
    return person("alice@example.org")


@pytest.fixture
def bob(app: Flask) -> User:
    return person("bob@example.org")
