"""Limits at the last gate: what is at the edge passes, one more is denied, and no race gets through. Orders
are counted at the exchange."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, transaction
from portal.models import (
    AuditEntry,
    ExecutionConnection,
    ExecutionPosition,
    Notification,
    Order,
    TradingState,
)
from portal.services import executions, limits, signals, trading_state
from portal.trading.types import ExecutionStatus, NotificationType, OrderState, TradingStateValue
from tests.helpers import at_once
from tests.services.desk import Desk

PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "ADA/USDT", "DOGE/USDT", "LTC/USDT", "DOT/USDT")


@pytest.fixture
def limit(app: Flask, desk: Desk) -> Callable[..., None]:
    """Sets the installation's limits for this test; `desk` restores them."""

    def change(**values: object) -> None:
        settings = app.extensions["portal_settings"]
        app.extensions["portal_settings"] = replace(settings, **values)

    return change


def settle(app: Flask, desk: Desk) -> None:
    """Run everything at once, and again until nothing waits for an earlier signal on its symbol."""
    for _ in range(60):
        waiting = [each.id for each in desk.executions() if each.status is ExecutionStatus.PENDING]
        if not waiting:
            return
        at_once(app, [partial(executions.run, key) for key in waiting], threads=16)
    raise AssertionError("executions were still waiting")


def of_100(desk: Desk, **values: object) -> int:
    """An account whose orders are worth 100 USDT, rounding aside; its connection's id."""
    preset = desk.sized(100, max_signal_age_seconds=3600)
    return desk.account(preset=preset, balances={"USDT": "100000"}, **values).id


def limits_of(connection_id: int) -> tuple[Decimal | None, Decimal | None]:
    return limits.limits_of(db.session.get_one(ExecutionConnection, connection_id))


def ago(**time: int) -> sa.BindParameter[timedelta]:
    return sa.literal(timedelta(**time), sa.Interval)


def codes(desk: Desk) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for each in desk.executions():
        found[each.code] = found.get(each.code, 0) + 1
    return found


def test_order_worth_more_than_the_limit_is_denied(desk: Desk, limit: Callable[..., None]) -> None:
    of_100(desk)
    limit(max_order_notional=Decimal(50))
    execution = desk.trade()
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "MAX_ORDER_NOTIONAL")
    assert "50" in str(execution.message)
    assert desk.orders() == []
    assert desk.accepted() == 0
    limit(max_order_notional=Decimal(100))
    assert desk.trade(currency_pair="ETH/USDT").status is ExecutionStatus.FILLED


@pytest.mark.parametrize("own", ["1000000", 1_000_000])
def test_connection_cannot_raise_the_installations_limit(
    desk: Desk, limit: Callable[..., None], own: object
) -> None:
    connection = of_100(desk, settings={"max_order_notional": own, "max_daily_notional": own})
    limit(max_order_notional=Decimal(50), max_daily_notional=Decimal(60))
    assert limits_of(connection) == (Decimal(50), Decimal(60))
    assert desk.trade().code == "MAX_ORDER_NOTIONAL"
    assert desk.accepted() == 0


def test_connection_may_lower_the_limit_for_itself(desk: Desk, limit: Callable[..., None]) -> None:
    of_100(desk, settings={"max_order_notional": "20.5"})
    limit(max_order_notional=Decimal(5000))
    assert desk.trade().code == "MAX_ORDER_NOTIONAL"
    assert desk.accepted() == 0


@pytest.mark.parametrize("broken", ["much", "-5", "NaN", "Infinity", 0, True, [], {"a": 1}])
def test_limit_that_cannot_be_read_lets_nothing_through(desk: Desk, broken: object) -> None:
    of_100(desk, settings={"max_daily_notional": broken})
    execution = desk.trade()
    assert execution.code == "MAX_ORDER_NOTIONAL"
    assert desk.accepted() == 0


def test_limits_say_nothing_when_none_is_set(desk: Desk) -> None:
    connection = of_100(desk)
    assert limits_of(connection) == (None, None)
    assert desk.trade().status is ExecutionStatus.FILLED


def test_day_when_its_limit_is_reached_takes_no_more_and_begins_anew_at_midnight(
    desk: Desk, limit: Callable[..., None]
) -> None:
    of_100(desk)
    limit(max_daily_notional=Decimal(250))
    outcomes = [desk.trade(currency_pair=pair).code for pair in PAIRS[:3]]
    assert outcomes == [None, None, "MAX_DAILY_NOTIONAL"]
    assert desk.accepted() == 2
    with transaction() as session:
        session.execute(sa.update(Order).values(sent_at=Order.sent_at - ago(days=1)))
    assert desk.trade(currency_pair=PAIRS[3]).status is ExecutionStatus.FILLED


def test_day_counts_what_may_exist_and_what_was_filled_but_not_what_never_was(
    desk: Desk, limit: Callable[..., None]
) -> None:
    of_100(desk)
    limit(max_daily_notional=Decimal(250))
    for pair in PAIRS[:2]:
        desk.trade(currency_pair=pair)
    assert all(order.notional is not None and 95 < order.notional <= 100 for order in desk.orders())
    second = desk.orders()[1].id
    for state, part, passes in (
        (OrderState.UNRESOLVED, "0", False),
        (OrderState.NOT_PLACED, "0", True),
        (OrderState.REJECTED, "0", True),
        (OrderState.CANCELED, "0.9", False),
        (OrderState.CANCELED, "0.1", True),
    ):
        with transaction() as session:
            session.execute(sa.update(Order).where(Order.id > second).values(state=OrderState.NOT_PLACED))
            order = session.get_one(Order, second)
            order.state, order.filled_quantity = state, order.quantity * Decimal(part)
        # BTC: nothing on the second pair can keep it waiting.
        execution = desk.trade(currency_pair="BTC/USDT")
        assert (execution.status is ExecutionStatus.FILLED) is passes, (state, part, execution.code)


def test_day_of_another_currency_is_counted_apart(desk: Desk, limit: Callable[..., None]) -> None:
    of_100(desk)
    limit(max_daily_notional=Decimal(150))
    desk.trade()
    with transaction() as session:
        session.execute(sa.update(Order).values(symbol="BTC/EUR"))
    assert desk.trade(currency_pair="ETH/USDT").status is ExecutionStatus.FILLED


def test_s39_day_limit_when_fifty_run_at_once_is_not_overshot(
    app: Flask, desk: Desk, limit: Callable[..., None]
) -> None:
    of_100(desk)
    limit(max_daily_notional=Decimal(750))
    for number in range(50):
        desk.publish(currency_pair=PAIRS[number % len(PAIRS)])
    settle(app, desk)
    assert desk.accepted() == 7
    assert codes(desk) == {None: 7, "MAX_DAILY_NOTIONAL": 43}
    worth = db.session.execute(sa.select(sa.func.sum(Order.notional))).scalar_one()
    assert worth <= 750


def test_s39_order_limit_when_fifty_run_at_once_lets_none_through(
    app: Flask, desk: Desk, limit: Callable[..., None]
) -> None:
    of_100(desk)
    limit(max_order_notional=Decimal(90))
    for number in range(50):
        desk.publish(currency_pair=PAIRS[number % len(PAIRS)])
    settle(app, desk)
    assert desk.accepted() == 0
    assert codes(desk) == {"MAX_ORDER_NOTIONAL": 50}


def test_daily_loss_when_it_comes_after_planning_is_seen_at_the_gate(
    app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = desk.preset(max_daily_loss_percent=Decimal(5))
    desk.account(preset=preset)
    desk.trade()
    gate = executions.intents.gate.pass_or_deny

    def lose_first(*given: object) -> object:
        db.session.execute(sa.update(ExecutionPosition).values(unrealized_pnl=Decimal(-2000)))
        return gate(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(executions.intents.gate, "pass_or_deny", lose_first)
    assert desk.trade(currency_pair="ETH/USDT").code == "MAX_DAILY_LOSS"
    assert desk.accepted() == 1


def halts(desk: Desk) -> dict[str, str]:
    return trading_state.restrictions()


def test_f64_runaway_signals_when_they_run_at_once_stop_exactly_at_the_limit_and_halt_once(
    app: Flask, desk: Desk, limit: Callable[..., None]
) -> None:
    connection = of_100(desk)
    limit(runaway_entries_per_minute=25)
    for number in range(50):
        desk.publish(currency_pair=PAIRS[number % len(PAIRS)])
    settle(app, desk)

    assert desk.accepted() == 25
    assert codes(desk) == {None: 25, "RUNAWAY_ENTRIES": 1, "TRADING_HALTED": 24}
    assert halts(desk) == {f"connection:{connection}": "halted"}
    told = db.session.execute(
        sa.select(Notification.title).where(Notification.type == NotificationType.HALT)
    ).scalars()
    assert len(list(told)) == 2, "the administrators and the owner, once"
    entries = db.session.execute(
        sa.select(sa.func.count()).where(AuditEntry.action == "portal.trading_state.set")
    ).scalar_one()
    assert entries == 1


def test_f64_loop_on_one_symbol_is_halted_at_half_of_it(
    app: Flask, desk: Desk, limit: Callable[..., None]
) -> None:
    connection = of_100(desk)
    limit(runaway_entries_per_minute=10)
    for _ in range(8):
        desk.publish()
    settle(app, desk)
    assert desk.accepted() == 5
    assert halts(desk) == {f"connection:{connection}": "halted"}


def forget_orders_of_the_minute() -> None:
    """As if each signal had gone to one account only: no connection is above its own limit."""
    with transaction() as session:
        session.execute(sa.update(Order).values(sent_at=Order.sent_at - ago(minutes=2)))


def test_f64_many_signals_to_one_user_are_halted_for_the_user_wherever_they_went(
    app: Flask, desk: Desk, limit: Callable[..., None]
) -> None:
    for number in range(3):
        preset = desk.sized(50)
        desk.account(f"account-{number}", preset=preset, balances={"USDT": "100000"})
    limit(runaway_entries_per_minute=3)
    for number in range(3):
        desk.publish(currency_pair=PAIRS[number])
    settle(app, desk)
    forget_orders_of_the_minute()
    for number in range(3, 6):
        desk.publish(currency_pair=PAIRS[number])
    settle(app, desk)
    assert desk.accepted() == 18, "six signals to three accounts are six signals"
    forget_orders_of_the_minute()
    desk.publish(currency_pair=PAIRS[6])
    settle(app, desk)
    assert desk.accepted() == 18
    assert halts(desk) == {f"user:{desk.admin_id}": "halted"}


def test_f64_halt_ends_when_somebody_resumes_and_counting_begins_anew(
    app: Flask, desk: Desk, limit: Callable[..., None]
) -> None:
    connection = of_100(desk)
    limit(runaway_entries_per_minute=4)
    for number in range(5):
        desk.publish(currency_pair=PAIRS[number])
    settle(app, desk)
    assert desk.accepted() == 4
    assert desk.trade(currency_pair=PAIRS[6]).code == "TRADING_HALTED"

    trading_state.set_state("connection", str(connection), TradingStateValue.ACTIVE, "found", actor="me")
    assert desk.trade(currency_pair=PAIRS[7]).status is ExecutionStatus.FILLED


def test_halt_by_the_system_leaves_a_switch_that_is_halted_already_alone(app: Flask, desk: Desk) -> None:
    connection = of_100(desk)
    key = str(connection)
    trading_state.set_state("connection", key, TradingStateValue.HALTED, "by hand", actor="me")
    with transaction():
        trading_state.halt_within("connection", key, "by itself")
    row = db.session.execute(sa.select(TradingState)).scalar_one()
    assert (row.reason, row.set_by) == ("by hand", "me")


def test_exit_of_a_runaway_connection_passes(app: Flask, desk: Desk, limit: Callable[..., None]) -> None:
    of_100(desk)
    limit(runaway_entries_per_minute=2)
    for number in range(3):
        desk.publish(currency_pair=PAIRS[number])
    settle(app, desk)
    assert desk.accepted() == 2
    held = desk.positions()[0].currency_pair  # which two of the three passed is chance
    done = signals.submit(
        {"currency_pair": held, "direction": "sell", "action": "close"},
        author=desk.admin, source="api", publish=True,
    )  # fmt: skip
    (execution,) = desk.executions(done.signal_id)
    desk.run(execution)
    desk.close_wanted()
    assert desk.accepted() == 3
