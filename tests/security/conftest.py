"""Everybody who may knock: a stranger, a trader, an administrator, each with a browser."""

import pytest
from flask import Flask

from portal.models import User
from tests import world
from tests.services.floor import desk, sandbox_server
from tests.visiting import Visitor, visit

__all__ = ["desk", "sandbox_server"]


@pytest.fixture
def admin(app: Flask) -> User:
    return world.make_admin()


@pytest.fixture
def alice(app: Flask) -> User:
    return world.make_user("alice@example.org")


@pytest.fixture
def as_admin(app: Flask, admin: User) -> Visitor:
    return visit(app, admin)


@pytest.fixture
def as_alice(app: Flask, alice: User) -> Visitor:
    return visit(app, alice)


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    return visit(app)
