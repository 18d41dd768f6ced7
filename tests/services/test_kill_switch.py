"""F63: the switch is pressed while orders are on their way. The exchange's own times of acceptance decide."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from flask import Flask

from portal.db import end_read
from portal.models import TradingPreset
from portal.services import books, executions, trading_state
from portal.trading.types import ExecutionStatus, MarginMode, MarketType, OrderState, TradingStateValue
from tests.helpers import eventually
from tests.services.desk import Desk

ACCOUNTS = 24
SECOND = 1_000_000_000


def swap_preset(desk: Desk, **values: object) -> TradingPreset:
    """Orders that need their leverage set before them."""
    return desk.preset(
        market_type=MarketType.SWAP, leverage=Decimal(3), sizing_mode="fixed", sizing_value=Decimal("0.01"),
        **values,
    )  # fmt: skip


def press(state: TradingStateValue = TradingStateValue.HALTED) -> int:
    """Set the switch; the moment at which it was committed."""
    end_read()
    trading_state.set_state("everything", "", state, "stop", actor="test")
    return time.monotonic_ns()


def last_accepted(desk: Desk) -> int:
    return max((order.accepted_monotonic_ns for order in desk.sandbox.orders()), default=0)


def in_the_background(app: Flask, desk: Desk, threads: int) -> Callable[[], None]:
    """Runs every execution in threads, as workers would; the answer waits for the end of it."""
    keys = [each.id for each in desk.executions()]
    end_read()

    def one(key: int) -> None:
        with app.app_context():
            executions.run(key)

    pool = ThreadPoolExecutor(threads)
    futures = [pool.submit(one, key) for key in keys]

    def wait() -> None:
        for future in futures:
            future.result(timeout=30)
        pool.shutdown()

    return wait


@pytest.mark.parametrize("state", [TradingStateValue.HALTED, TradingStateValue.REDUCING])
def test_f63_switch_during_a_slow_fan_out_lets_nothing_be_accepted_a_second_later(
    app: Flask, desk: Desk, state: TradingStateValue
) -> None:
    for number in range(ACCOUNTS):
        desk.account(f"account-{number}")
    desk.sandbox.set_latency(0.15, "account")
    desk.sandbox.set_latency(0.3, "order")
    desk.publish()
    wait = in_the_background(app, desk, 6)
    eventually(lambda: desk.accepted() >= 4, timeout=10)
    pressed = press(state=state)
    wait()

    accepted = desk.accepted()
    assert 4 <= accepted < ACCOUNTS, "it was pressed in the middle"
    assert last_accepted(desk) <= pressed + SECOND
    statuses = [each.status for each in desk.executions()]
    assert statuses.count(ExecutionStatus.FILLED) == accepted, "what was in flight is known"
    assert statuses.count(ExecutionStatus.DENIED) == ACCOUNTS - accepted
    assert books.verify() == []

    press(state=TradingStateValue.ACTIVE)
    desk.sandbox.set_latency(0)
    desk.publish(currency_pair="ETH/USDT")
    desk.run_all()
    assert desk.accepted() == accepted + ACCOUNTS, "resumed by a person, the next signal reaches everybody"


def test_f63_switch_while_an_order_is_prepared_stops_it_before_the_wire(app: Flask, desk: Desk) -> None:
    preset = swap_preset(desk, margin_mode=MarginMode.ISOLATED)
    desk.account(exchange="sandboxusdm", preset=preset, futures_balance="10000")
    desk.sandbox.set_latency(0.8, "settings")
    desk.publish(currency_pair="BTC/USDT")
    wait = in_the_background(app, desk, 1)
    eventually(lambda: bool(desk.orders()), timeout=5, what="the intent to be written down")
    press()
    wait()

    assert desk.accepted() == 0
    order = desk.order()
    assert (order.state, order.error_code) == (OrderState.NOT_PLACED, "HALTED")
    (execution,) = desk.executions()
    assert (execution.status, execution.code) == (ExecutionStatus.NOT_PLACED, "HALTED")
    assert "Nothing was placed" in str(execution.message)


def test_f63_slow_preparation_without_a_switch_is_no_obstacle(app: Flask, desk: Desk) -> None:
    preset = swap_preset(desk)
    desk.account(exchange="sandboxusdm", preset=preset, futures_balance="10000")
    desk.sandbox.set_latency(0.6, "settings")
    assert desk.trade().status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_f63_exits_pass_a_switch_that_is_pressed_while_they_run(app: Flask, desk: Desk) -> None:
    desk.account()
    desk.price("BTC/USDT", 50_000)
    desk.trade(sl="49000")
    desk.price("BTC/USDT", 48_000)
    desk.sandbox.set_latency(0.5, "account")
    pressing = threading.Timer(0.1, lambda: _press_in(app))
    pressing.start()
    desk.watch()
    pressing.join()
    assert desk.accepted() == 2


def _press_in(app: Flask) -> None:
    with app.app_context():
        press()
