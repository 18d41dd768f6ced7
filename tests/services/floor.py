"""Fixtures for whoever trades in tests: a practice exchange over HTTP and a desk in front of it. A conftest
takes them by importing them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from portal.config import Settings
from portal.exchanges.sandbox.server import SandboxServer
from portal.services import prices
from tests.services.desk import Desk


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[SandboxServer]:
    """One practice exchange per test worker; its prices stand still unless a test moves them."""
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
