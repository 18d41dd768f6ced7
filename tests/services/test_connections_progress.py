"""A test that somebody asked for, step by step, against the practice exchange."""

from datetime import timedelta

from flask import Flask

from portal.db import utcnow
from portal.services import connections, connections_progress
from portal.services.connections_progress import Step
from tests.services.desk import Desk


def steps(connection_id: int) -> list[Step]:
    found = connections_progress.read(connection_id)
    return [each.step for each in found.steps] if found else []


def test_a_test_that_was_asked_for_leaves_its_steps_and_a_periodic_check_none(desk: Desk) -> None:
    connection = desk.account("alpha", balances={"USDT": "5"})
    connections.check_connection(connection.id)
    assert steps(connection.id) == []

    connections.request_test(connection.id, actor="tests")
    assert steps(connection.id) == [Step.ASKED]
    connections.test_connection(connection.id)
    connections.check_connection(connection.id)

    found = connections_progress.read(connection.id)
    assert found is not None
    assert [each.step for each in found.steps] == [
        Step.ASKED, Step.TAKEN, Step.KEY_READ, Step.ANSWERED, Step.WORKS,
    ]  # fmt: skip
    assert found.steps[3].said == "the key may trade, the key may not withdraw, 1 currency is held"
    assert found.is_over

    connections.request_test(connection.id, actor="tests")
    assert steps(connection.id) == [Step.ASKED]


def test_a_test_that_fails_ends_with_the_reason_and_another_one_begins_anew(desk: Desk) -> None:
    connection = desk.account("alpha")
    desk.sandbox.update_account("alpha", enabled=False)
    connections.request_test(connection.id, actor="tests")
    connections.test_connection(connection.id)

    found = connections_progress.read(connection.id)
    assert found is not None
    assert [each.step for each in found.steps] == [Step.ASKED, Step.TAKEN, Step.KEY_READ, Step.FAILED]
    assert found.last.said.startswith("AUTHENTICATION_FAILED")
    desk.sandbox.update_account("alpha", enabled=True)
    # Nobody pressed a button: a refused order asks for a test, too.
    connections.test_connection(connection.id)
    assert steps(connection.id) == [Step.TAKEN, Step.KEY_READ, Step.ANSWERED, Step.WORKS]


def test_a_test_that_nobody_ends_is_lost_after_two_minutes(app: Flask) -> None:
    connections_progress.begin(7)
    found = connections_progress.read(7)
    assert found is not None
    assert not found.is_lost(utcnow())
    assert found.is_lost(utcnow() + timedelta(minutes=3))
    assert 3500 < int(app.extensions["portal_redis"].ttl("portal:test:7")) <= 3600
