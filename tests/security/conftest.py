"""Everybody who may knock: a stranger, a trader, an administrator, each with a browser."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from portal.config import Settings
from portal.exchanges.sandbox.server import SandboxServer
from portal.models import User
from portal.services import prices
from tests import world
from tests.services.desk import Desk
from tests.visiting import Visitor, visit


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


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[SandboxServer]:
    """One practice exchange per test worker; its prices stand still."""
    with SandboxServer(seed=7) as server:
        yield server


@pytest.fixture
def desk(app: Flask, settings: Settings, sandbox_server: SandboxServer) -> Iterator[Desk]:
    """An empty practice exchange, an administrator, and helpers that act as workers would."""
    sandbox_server.control.reset()
    urls = {"sandbox": sandbox_server.url, "sandboxusdm": sandbox_server.url}
    before = app.extensions["portal_settings"]
    app.extensions["portal_settings"] = replace(settings, exchange_urls=urls)
    prices.forget()
    yield Desk(sandbox_server.control)
    app.extensions["portal_settings"] = before
