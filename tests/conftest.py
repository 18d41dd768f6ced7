"""Fixtures for everybody: real PostgreSQL and Redis per session, a clean database per test, no network.

The servers run in a temporary data dir that all xdist workers share. The embedded keepers stop them when the
last worker is gone, also after kill -9.
"""

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import text

from portal import embedded
from portal.config import Settings
from portal.embedded.postgres import postgres_url
from portal.embedded.redis import DATABASES, redis_url

MIGRATIONS = Path(__file__).parent.parent / "migrations"
SECRET_KEY = "only-for-tests-" + "0" * 32
CREDENTIAL_KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
#: Names the data dir of this run; xdist workers inherit it from their controller.
DATA_DIR = "PORTICO_TESTS_DATA_DIR"


def is_xdist_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    if not is_xdist_worker(config):
        os.environ[DATA_DIR] = tempfile.mkdtemp(prefix="portico-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not is_xdist_worker(config):
        shutil.rmtree(os.environ[DATA_DIR], ignore_errors=True)


def is_here(address: object) -> bool:
    """Whether a socket address is this machine: a unix socket or loopback."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """A test that would leave this machine fails instead."""
    real: dict[str, Callable[..., Any]] = {
        name: getattr(socket.socket, name) for name in ("connect", "connect_ex")
    }

    def guarded(name: str) -> Callable[..., Any]:
        def call(self: socket.socket, address: object) -> Any:
            if not is_here(address):
                pytest.fail(f"a test tried to reach {address!r}: only this machine is allowed", pytrace=True)
            return real[name](self, address)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in real:
            patch.setattr(socket.socket, name, guarded(name))
        yield


@pytest.fixture(scope="session")
def worker_number() -> int:
    """0 without xdist; 0, 1, 2… with it."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture(scope="session")
def services(worker_number: int) -> Iterator[Settings]:
    """PostgreSQL and Redis, shared by all workers of this run; a database and a Redis number of our own."""
    data_dir = Path(os.environ[DATA_DIR])
    settings = Settings(data_dir=data_dir, secret_key=SECRET_KEY, credential_keys=(CREDENTIAL_KEY,))
    with embedded.hold(settings, durable=False):
        database = f"tests_{worker_number}"
        admin_url = postgres_url(data_dir, "postgres").replace("+psycopg", "")
        with psycopg.connect(admin_url, autocommit=True) as link:
            link.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            link.execute(f"CREATE DATABASE {database}")
        yield replace(
            settings,
            database_url=postgres_url(data_dir, database),
            redis_url=redis_url(data_dir).replace("db=0", f"db={worker_number % DATABASES}"),
        )


@pytest.fixture(scope="session")
def settings(services: Settings) -> Settings:
    """Complete settings for this worker; `dataclasses.replace` gives a variation."""
    return replace(
        services,
        worker_concurrency=4,
        exchange_timeout_seconds=2.0,
        log_level="DEBUG",
        # Tests publish faster than people do; those of the guard set their own.
        runaway_entries_per_minute=100_000,
    )


@pytest.fixture(scope="session")
def migrated_app(settings: Settings) -> Iterator[Flask]:
    """The application with the schema in place, once per worker. Tests take `app`, which also cleans up."""
    from flask_migrate import upgrade

    from portal import create_app
    from portal.db import db

    app = create_app(settings)
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
    yield app
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def app(migrated_app: Flask, settings: Settings) -> Iterator[Flask]:
    """The application with an empty database, an empty Redis and an open context. Commits are real."""
    from portal.db import db

    with migrated_app.app_context():
        yield migrated_app
        db.session.remove()
        tables = ", ".join(f'"{table.name}"' for table in db.metadata.sorted_tables)
        with db.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    with Redis.from_url(str(settings.redis_url)) as client:
        client.flushdb()
    # With what this process remembers of pauses by itself.
    migrated_app.extensions.pop("portal_traffic", None)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def redis_away(app: Flask) -> Iterator[None]:
    """Redis does not answer."""
    from portal.jobs import queues

    real = app.extensions["portal_redis"]
    app.extensions["portal_redis"] = queues.connect("redis://127.0.0.1:1/0", timeout=0.2)
    yield
    app.extensions["portal_redis"] = real
