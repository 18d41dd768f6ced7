"""People in front of the portal pages."""

from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask

from portal.models import User
from tests.people import admin, alice, bob
from tests.visiting import Visitor, visit

__all__ = ["admin", "alice", "bob"]

MakeVisitor = Callable[[User], Visitor]


@pytest.fixture
def visiting(app: Flask) -> MakeVisitor:
    return partial(visit, app)


@pytest.fixture
def visitor(app: Flask, alice: User) -> Visitor:
    """Alice."""
    return visit(app, alice)
