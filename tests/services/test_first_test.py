"""F42: a live key is asked about before its first order, whoever is quicker: the job of the test or a signal.
The exchange counts what it was asked and what it accepted."""

from dataclasses import replace

import pytest
from flask import Flask

from portal.db import db
from portal.models import ExecutionConnection
from portal.services import connections
from portal.trading.types import ConnectionMode, ConnectionStatus, ExecutionStatus
from tests.services.desk import Desk


@pytest.fixture(autouse=True)
def binance_here(app: Flask, desk: Desk) -> None:
    """A live connection may trade, and its exchange is the practice one. The desk puts the settings back."""
    settings = app.extensions["portal_settings"]
    urls = {**settings.exchange_urls, "binance": desk.sandbox.url}
    app.extensions["portal_settings"] = replace(settings, live_trading=True, exchange_urls=urls)


def live(desk: Desk) -> int:
    return desk.account(exchange="binance", mode=ConnectionMode.LIVE).id


def fresh(key: int) -> ExecutionConnection:
    return db.session.get_one(ExecutionConnection, key, populate_existing=True)


def asked_about_keys(desk: Desk) -> int:
    return int(desk.sandbox.requests()["by_endpoint"].get("sapi", 0))


def test_f42_new_live_key_that_can_withdraw_never_trades_though_no_test_has_run(desk: Desk) -> None:
    key = live(desk)
    desk.sandbox.update_account("alpha", can_withdraw=True)
    execution = desk.trade()
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "CONNECTION_IN_ERROR")
    assert "can withdraw funds" in (execution.message or "")
    assert fresh(key).status is ConnectionStatus.ERROR
    assert desk.accepted() == 0
    assert desk.orders() == []


def test_live_connection_when_a_signal_is_quicker_than_its_test_is_tested_and_trades(desk: Desk) -> None:
    key = live(desk)
    assert desk.trade().status is ExecutionStatus.FILLED
    assert fresh(key).last_tested_at is not None
    assert asked_about_keys(desk) == 1
    assert desk.trade().status is ExecutionStatus.FILLED
    assert asked_about_keys(desk) == 1, "once is enough"
    assert desk.accepted() == 2


def test_f42_key_that_was_replaced_is_asked_about_before_its_first_order(desk: Desk) -> None:
    key = live(desk)
    assert desk.trade().status is ExecutionStatus.FILLED
    other = desk.sandbox.create_account("beta")
    desk.sandbox.update_account("beta", can_withdraw=True)
    connections.set_credentials(key, other.credentials, actor="test")
    assert desk.trade().code == "CONNECTION_IN_ERROR"
    assert desk.accepted("beta") == 0


def test_live_connection_when_its_first_test_has_to_wait_keeps_the_signal(desk: Desk) -> None:
    live(desk)
    pause = desk.sandbox.add_fault("rate_limit", "account", retry_after=1)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.PENDING, execution.message
    assert desk.accepted() == 0
    desk.sandbox.remove_fault(pause)
    desk.later(10)
    assert desk.run(execution).status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


@pytest.mark.parametrize("mode", list(ConnectionMode))
def test_practice_connection_when_never_tested_trades_at_once(desk: Desk, mode: ConnectionMode) -> None:
    key = desk.account(mode=mode).id
    assert desk.trade().status is ExecutionStatus.FILLED
    assert fresh(key).last_tested_at is None
    assert asked_about_keys(desk) == 0
