"""A person may ask for a failed job again: every handler that may be repeated, repeated, at every stage of a
trade. The exchange counts."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from portal.db import db, end_read
from portal.jobs.engine.allowlist import load
from portal.jobs.kinds import KINDS, About
from portal.jobs.table import JOBS
from portal.models import Notification
from portal.services import books, positions
from portal.trading.types import PositionStatus
from tests import world
from tests.services.desk import Desk


def repeat_all(ids: Mapping[About, list[int]]) -> None:
    """Every job that may be asked for again, twice for every row."""
    for name, kind in KINDS.items():
        if not kind.again or kind.about is None:
            continue
        for row_id in ids.get(kind.about, []) * 2:
            end_read()
            load(JOBS[name].function)(row_id)
    end_read()


def rows(desk: Desk) -> dict[About, list[int]]:
    found = {
        About.EXECUTION: [each.id for each in desk.executions()],
        About.ORDER: [each.id for each in desk.orders()],
        About.POSITION: [each.id for each in desk.positions()],
        About.CONNECTION: [each.connection_id for each in desk.executions() if each.connection_id],
        About.NOTIFICATION: list(db.session.scalars(sa.select(Notification.id))),
    }
    end_read()
    return found


def state(desk: Desk) -> dict[str, Any]:
    taken = [(each.client_order_id, each.status) for each in desk.sandbox.orders()]
    return {"at the exchange": sorted(taken), "held": desk.held("alpha"), "books": books.verify()}


def test_every_job_when_repeated_by_hand_at_every_stage_then_nothing_is_sent_twice(desk: Desk) -> None:
    desk.account(preset=desk.preset(stop_loss_mode="percent", stop_loss_value="5"))
    (execution,) = desk.publish()
    repeat_all({About.EXECUTION: [execution.id]})
    repeat_all(rows(desk))
    guarded = state(desk)
    assert len(guarded["at the exchange"]) == 2, "one entry and its stop"
    repeat_all(rows(desk))
    assert state(desk) == guarded
    assert desk.position().status is PositionStatus.OPEN, "nobody wanted it closed"
    positions.request_close(desk.position().id, actor=desk.admin)
    repeat_all(rows(desk))
    closed = state(desk)
    assert closed["held"] == desk.position().dust_quantity
    assert len(closed["at the exchange"]) == 3
    assert closed["books"] == []
    repeat_all(rows(desk))
    assert state(desk) == closed


def test_unpublished_and_unknown_rows_when_jobs_are_asked_for_them_then_nothing_happens(desk: Desk) -> None:
    desk.account()
    world.make_signal(desk.admin)
    nobody = [4711]
    for name, kind in KINDS.items():
        if kind.again:
            end_read()
            load(JOBS[name].function)(*nobody)
    assert desk.accepted() == 0
