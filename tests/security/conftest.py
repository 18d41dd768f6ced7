"""Everybody who may knock: a stranger, a trader, an administrator, each with a browser."""

import pytest
from flask import Flask

from portal.models import User
from tests.people import admin, alice, bob
from tests.security import tenants
from tests.services.floor import desk, sandbox_server
from tests.visiting import Visitor, visit

__all__ = ["admin", "alice", "bob", "desk", "sandbox_server"]


@pytest.fixture
def as_admin(app: Flask, admin: User) -> Visitor:
    return visit(app, admin)


@pytest.fixture
def as_alice(app: Flask, alice: User) -> Visitor:
    return visit(app, alice)


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    return visit(app)


@pytest.fixture
def mine(app: Flask, admin: User, alice: User) -> dict[str, int]:
    """One row of every kind of Alice's; the administrator may change them all."""
    return tenants.settle(alice, admin, "alice")
