"""What is sent twice happens once: double clicks on everything that has a button."""

from decimal import Decimal
from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.models import AuditEntry, Execution, Signal, User
from tests import world
from tests.helpers import at_once
from tests.services.desk import Desk
from tests.visiting import visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)


def press_at_once(app: Flask, person: User, path: str, data: dict[str, str]) -> list[int]:
    """A double click, and six more."""
    visitors = [visit(app, person) for _ in range(8)]
    sent = [{"csrf_token": visitor.token(), **data} for visitor in visitors]

    def press(number: int) -> int:
        return visitors[number].open(path, method="POST", data=sent[number]).status_code

    return at_once(app, [partial(press, number) for number in range(8)])


def test_publish_when_pressed_eight_times_at_once_publishes_once(app: Flask, admin: User) -> None:
    world.make_connection(admin)
    signal_id = world.make_signal(admin).id
    statuses = press_at_once(app, admin, f"/admin/signals/publish/{signal_id}", {})
    assert set(statuses) <= {302, 409}
    assert db.session.get_one(Signal, signal_id).is_published
    assert world.count(Execution) == 1
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert actions.count("portal.signal.published") == 1


def test_close_when_pressed_eight_times_at_once_is_asked_for_once(app: Flask, alice: User) -> None:
    position_id = world.make_position(world.make_connection(alice)).id
    statuses = press_at_once(app, alice, f"/positions/{position_id}/close", {})
    assert set(statuses) <= {302, 409}
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert len([action for action in actions if "close" in action]) == 1
    assert app.extensions["portal_redis"].llen("rq:queue:exits") == 1


def test_publish_and_close_when_pressed_eight_times_reach_the_exchange_once(app: Flask, desk: Desk) -> None:
    """Counted by the exchange: one order in, one out."""
    desk.account("alpha")
    signal_id = world.make_signal(desk.admin).id
    press_at_once(app, desk.admin, f"/admin/signals/publish/{signal_id}", {})
    for _ in range(2):
        desk.run_all()
    assert desk.sent("alpha") == 1
    position_id = desk.position().id
    press_at_once(app, desk.admin, f"/positions/{position_id}/close", {})
    for _ in range(2):
        desk.close_wanted()
    assert desk.sent("alpha") == 2
    # What is left is less than the smallest order.
    assert desk.held("alpha") < Decimal("0.0001")
