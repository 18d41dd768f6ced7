"""The owner switches between one-way and hedge mode at the exchange: the refusal that follows is understood,
the mode is learnt again, and neither entries nor exits stay blocked."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest
from flask import Flask

from portal.db import db, transaction
from portal.models import ExecutionConnection
from portal.services import books, connections, positions
from portal.trading.types import ExecutionStatus, PositionMode, PositionStatus
from tests.exchanges.sandbox.conftest import on_sandbox
from tests.services.desk import Desk


def account(desk: Desk) -> ExecutionConnection:
    preset = desk.preset(market_type="swap", sizing_mode="fixed", sizing_value=Decimal("0.01"))
    return desk.account(exchange="sandboxusdm", preset=preset)


def switch(desk: Desk, keys: dict[str, str], *, hedged: bool) -> None:
    client: Any = ccxt.binanceusdm(keys)
    client.urls["api"] = on_sandbox(client.urls["api"], desk.sandbox.url)
    client.set_position_mode(hedged)


def learning_was_asked_for(app: Flask) -> int:
    jobs = app.extensions["portal_redis"].lrange("rq:queue:default", 0, -1)
    return sum(job.startswith(b"test-connection") for job in jobs)


@pytest.mark.parametrize("hedged", [True, False])
def test_entry_after_the_mode_was_switched_is_refused_once_and_the_mode_is_learnt(
    app: Flask, desk: Desk, hedged: bool
) -> None:
    connection = account(desk)
    key, keys = connection.id, connection.get_credentials()
    if not hedged:
        switch(desk, keys, hedged=True)
        connections.test_connection(key)
    switch(desk, keys, hedged=hedged)

    execution = desk.trade()
    assert execution.status is ExecutionStatus.REJECTED
    assert desk.order().venue_code == "-4061"
    assert "position mode was changed" in (execution.message or "")
    assert learning_was_asked_for(app) == 1
    assert desk.accepted() == 0

    connections.test_connection(key)
    row = db.session.get_one(ExecutionConnection, key, populate_existing=True)
    assert row.position_mode is (PositionMode.HEDGE if hedged else PositionMode.ONE_WAY)
    assert desk.trade().status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert [order.position_side for order in desk.sandbox.orders()] == ["LONG" if hedged else "BOTH"]


def test_close_in_a_mode_that_is_not_that_of_the_account_is_done_after_the_mode_is_learnt(
    app: Flask, desk: Desk
) -> None:
    key = account(desk).id
    assert desk.trade().status is ExecutionStatus.FILLED
    with transaction() as session:
        session.get_one(ExecutionConnection, key).position_mode = PositionMode.HEDGE

    positions.request_close(desk.position().id, actor=desk.admin)
    desk.close_wanted()
    assert desk.position().status is PositionStatus.OPEN
    assert learning_was_asked_for(app) == 1
    connections.test_connection(key)
    desk.later(120)
    desk.close_wanted()

    assert desk.position().status is PositionStatus.CLOSED
    assert desk.held("alpha") == 0
    assert desk.accepted() == 2
    assert books.verify() == []
