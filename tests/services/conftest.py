"""A trading desk for tests: the practice exchange over HTTP, accounts on it, and the services in this
process."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_migrate import upgrade

from portal import create_app
from portal.config import Settings
from portal.db import db
from tests.services.floor import desk, sandbox_server
from tests.services.protected import VENUES

__all__ = ["desk", "sandbox_server"]


@pytest.fixture(params=list(VENUES))
def venue(request: pytest.FixtureRequest) -> str:
    """Each exchange of the practice server: spot and futures."""
    return str(request.param)


@pytest.fixture(scope="session")
def migrated_app(settings: Settings) -> Iterator[Flask]:
    """The application as a worker builds it: without pages."""
    app = create_app(settings, faces=False)
    with app.app_context():
        upgrade()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
