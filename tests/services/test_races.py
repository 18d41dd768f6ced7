"""Everything runs concurrently with itself. Threads, real transactions, orders counted at the exchange."""

from flask import Flask

from portal.services import closing, executions, monitor, positions, signals, sweeper
from portal.trading.types import ExecutionStatus, PositionStatus
from tests.helpers import at_once
from tests.services.desk import Desk


def test_execution_when_run_by_many_at_once_sends_one_order(app: Flask, desk: Desk) -> None:
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    at_once(app, [lambda: executions.run(key)] * 8)
    assert desk.accepted() == 1
    assert len(desk.orders()) == 1
    assert desk.executions()[0].status is ExecutionStatus.FILLED


def test_close_when_run_by_many_at_once_sends_one_order(app: Flask, desk: Desk) -> None:
    desk.account()
    desk.trade()
    key = desk.position().id
    positions.request_close(key, actor=desk.admin)
    at_once(app, [lambda: closing.run_close(key)] * 8)
    assert desk.accepted() == 2
    assert desk.position().status is PositionStatus.CLOSED


def test_stop_and_target_when_seen_by_two_monitors_close_once(app: Flask, desk: Desk) -> None:
    desk.account()
    desk.price("BTC/USDT", 50_000)
    desk.trade(sl="49000", tp="51000")
    desk.price("BTC/USDT", 48_000)
    at_once(app, [monitor.check_positions] * 4)
    key = desk.position().id
    at_once(app, [lambda: closing.run_close(key)] * 4)
    assert desk.accepted() == 2
    assert desk.position().status is PositionStatus.CLOSED


def test_same_signal_when_sent_by_many_at_once_is_one_signal(app: Flask, desk: Desk) -> None:
    desk.account()
    admin = desk.admin
    data = {"currency_pair": "ETH/USDT", "direction": "buy", "dedupe_key": "alert-1"}
    email, seen = admin.id, []

    def send() -> None:
        from portal.db import db
        from portal.models import User

        author = db.session.get_one(User, email)
        seen.append(signals.submit(data, author=author, source="webhook", publish=True).signal_id)

    at_once(app, [send] * 20)
    assert len(set(seen)) == 1
    assert len(desk.executions()) == 1


def test_position_limit_when_many_signals_run_at_once_is_not_overshot(app: Flask, desk: Desk) -> None:
    desk.account(preset=desk.sized(100, max_open_positions=3))
    pairs = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT", "LTC/USDT", "DOT/USDT"]
    keys = [desk.publish(currency_pair=pair)[0].id for pair in pairs]
    waiting = list(keys)
    at_once(app, [lambda: executions.run(waiting.pop())] * len(keys))
    assert desk.accepted() == 3
    statuses = sorted(each.status.value for each in desk.executions())
    assert statuses == ["denied"] * 5 + ["filled"] * 3


def test_sweep_when_run_by_many_at_once_leads_to_one_order(app: Flask, desk: Desk) -> None:
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    desk.later(10)

    def work() -> None:
        sweeper.sweep()
        executions.run(key)

    at_once(app, [work] * 6)
    assert desk.accepted() == 1
