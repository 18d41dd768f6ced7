"""Pauses, budgets and outages as the exchange sees them: its own count of requests is the judge."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read, transaction, utcnow
from portal.exchanges.budgets import BUDGETS, Scope, Window
from portal.models import Execution, ExecutionConnection, ExecutionPosition
from portal.services import closing, executions, monitor, positions, resolution, traffic
from portal.trading.types import ExecutionStatus, OrderState, PositionStatus
from tests.helpers import at_once, eventually
from tests.services.desk import Desk


def by_processes(app: Flask, work: Callable[[], object], times: int) -> None:
    """`work` from many processes: each call starts without what this process remembers."""

    def afresh() -> None:
        app.extensions.pop("portal_traffic", None)
        work()

    at_once(app, [afresh] * times, threads=8)


def total(desk: Desk, account: str | None = None) -> int:
    return int(desk.sandbox.requests(account=account)["total"])


def compared(connection: ExecutionConnection) -> None:
    """As after its first comparison with the exchange, which would cost more than the entry."""
    connection.reconciled_at, connection.reconciled_markets = utcnow(), ["spot"]
    db.session.commit()


def again_now(desk: Desk) -> None:
    """Everything that waits for its next attempt may try now; pauses and breakers stay as they are."""
    forget, desk.forget_traffic = desk.forget_traffic, lambda: None  # type: ignore[method-assign]
    desk.later(1000)
    desk.forget_traffic = forget  # type: ignore[method-assign]
    with transaction() as session:
        # Not so long ago that the execution could be a backup's.
        session.execute(sa.update(Execution).values(created_at=utcnow()))


def test_f39_no_process_sends_anything_before_the_time_that_the_venue_named(app: Flask, desk: Desk) -> None:
    for name in ("alpha", "beta", "gamma"):
        desk.account(name, preset=desk.preset(max_signal_age_seconds=3600))
    first, *others = desk.publish()
    fault = desk.sandbox.add_fault("rate_limit", "account", count=1, retry_after=60)
    desk.run(first)
    assert desk.executions()[0].code == "RATE_LIMITED"
    desk.sandbox.remove_fault(fault)
    before = total(desk)

    again_now(desk)
    keys = [first.id, *(each.id for each in others)] * 5
    by_processes(app, lambda: executions.run(keys.pop()), len(keys))
    by_processes(app, monitor.check_positions, 4)

    assert total(desk) == before
    assert desk.accepted() == 0
    waiting = desk.executions()
    assert {each.status for each in waiting} == {ExecutionStatus.PENDING}
    assert all("asked for a pause" in (each.message or "") for each in waiting[1:])

    desk.later(100)
    desk.run_all()
    assert desk.accepted() == 3, "afterwards every account has its order"


def test_f39_pause_of_one_key_does_not_stop_the_others(
    app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUDGETS, "sandbox", replace(BUDGETS["sandbox"], limited=Scope.ACCOUNT))
    desk.account("alpha")
    desk.account("beta")
    desk.sandbox.add_fault("rate_limit", "account", account="alpha", count=1, retry_after=60)
    alpha, beta = desk.publish()
    desk.run(alpha)
    before = total(desk, "alpha")

    again_now(desk)
    keys = [alpha.id, beta.id] * 4
    by_processes(app, lambda: executions.run(keys.pop()), len(keys))

    assert total(desk, "alpha") == before
    assert (desk.accepted("alpha"), desk.accepted("beta")) == (0, 1)


def test_f39_pause_after_an_order_was_refused_leaves_the_intent_provably_unplaced(
    app: Flask, desk: Desk
) -> None:
    desk.account()
    desk.sandbox.add_fault("rate_limit", "order", status=418, count=1, retry_after=60)
    execution = desk.trade()
    assert desk.order().state is OrderState.NOT_PLACED
    before = total(desk)
    again_now(desk)
    key = execution.id
    by_processes(app, lambda: executions.run(key), 5)
    assert total(desk) == before
    assert len(desk.orders()) == 1, "no second intent is written while nothing may be sent"


def test_f40_maintenance_is_met_with_less_than_one_request_in_ten_seconds(app: Flask, desk: Desk) -> None:
    for name in ("alpha", "beta", "gamma"):
        desk.account(name, preset=desk.preset(max_signal_age_seconds=3600))
    desk.publish(sl="40000")
    desk.run_all()
    desk.protect()
    assert (desk.sent(), len(desk.guards())) == (3, 3)
    position_ids = [each.id for each in desk.positions()]
    for each in position_ids:
        positions.request_close(each, actor=desk.admin)
    entry_ids = [each.id for each in desk.publish(currency_pair="ETH/USDT")]
    desk.sandbox.add_fault("maintenance", "*")
    desk.sandbox.reset_requests()
    started = time.monotonic()

    def storm() -> None:
        """What workers do in a minute of it, without the pauses between."""
        for key in position_ids:
            closing.run_close(key)
        for key in entry_ids:
            executions.run(key)
        for order in desk_orders:
            resolution.resolve(order)
        monitor.check_positions()

    desk_orders = [each.id for each in desk.orders()]
    for _ in range(3):
        again_now(desk)
        by_processes(app, storm, 6)

    assert total(desk) <= 1 + 7 + (time.monotonic() - started) / 10, (
        "one request opens the breaker; what was under way in other threads may follow"
    )
    opened, opened_at = total(desk), time.monotonic()
    again_now(desk)
    by_processes(app, storm, 20)
    probes = (time.monotonic() - opened_at) / 10 + 1
    assert total(desk) - opened <= probes, "open: one request in ten seconds and no more"
    assert (desk.sent(), len(desk.guards())) == (3, 3), "what rests at the exchange stays there"
    assert {each.status for each in desk.positions()} == {PositionStatus.OPEN}
    assert all(each.close_reason is not None for each in desk.positions()), "the wish to close is kept"
    pending = [each for each in desk.executions() if each.id in entry_ids]
    assert {each.status for each in pending} == {ExecutionStatus.PENDING}
    assert any("does not answer" in (each.message or "") for each in pending)

    desk.sandbox.clear_faults()
    desk.later(1000)
    desk.run_all()
    desk.close_wanted()
    assert desk.sent() == 9, "three entries, three closes, three entries that waited"


def test_f40_exit_is_the_probe_that_finds_the_venue_back(app: Flask, desk: Desk) -> None:
    app.extensions["portal_traffic"] = traffic.Traffic(
        app.extensions["portal_redis"], traffic.Pace(spacing=0.3, first=30, longest=30)
    )
    desk.account()
    desk.trade()
    key = desk.position().id
    positions.request_close(key, actor=desk.admin)
    fault = desk.sandbox.add_fault("maintenance", "*")
    end_read()
    closing.run_close(key)
    desk.sandbox.remove_fault(fault)
    desk.sandbox.reset_requests()

    def closed() -> bool:
        with transaction() as session:
            session.get_one(ExecutionPosition, key).next_close_at = None
        closing.run_close(key)
        return desk.position().status is PositionStatus.CLOSED

    eventually(closed, timeout=5)
    assert desk.accepted() == 2
    assert desk.trade(currency_pair="ETH/USDT").status is ExecutionStatus.FILLED, "entries go on at once"


def test_entry_when_the_budget_is_spent_waits_and_is_never_dropped(
    app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUDGETS, "sandbox", replace(BUDGETS["sandbox"], address=Window(20, 2)))
    for number in range(12):
        compared(desk.account(f"account-{number}", preset=desk.preset(max_signal_age_seconds=3600)))
    desk.publish()
    attempts = 0

    def all_traded() -> bool:
        nonlocal attempts
        attempts += 1
        again_now(desk)
        keys = [each.id for each in desk.executions() if each.status is ExecutionStatus.PENDING]
        by_processes(app, lambda: executions.run(keys.pop()), len(keys))
        return desk.accepted() == 12

    eventually(all_traded, timeout=40, interval=0.2)
    assert attempts > 1, "the budget was too small for all at once"
    assert {each.status for each in desk.executions()} == {ExecutionStatus.FILLED}
    assert all(len(found) == 1 for found in _orders_by_connection(desk).values())


def test_entry_when_held_back_ends_by_its_age_and_not_by_attempts(app: Flask, desk: Desk) -> None:
    desk.account(preset=desk.preset(max_signal_age_seconds=30))
    (execution,) = desk.publish()
    desk.sandbox.add_fault("rate_limit", "account", count=1, retry_after=600)
    desk.run(execution)
    key = execution.id
    for _ in range(30):
        again_now(desk)
        end_read()
        executions.run(key)
    held = desk.executions()[0]
    assert (held.status, held.attempts) == (ExecutionStatus.PENDING, 1)

    with transaction() as session:
        row = session.get_one(Execution, key)
        assert row.signal is not None
        row.signal.published_at = utcnow() - timedelta(seconds=60)
    again_now(desk)
    assert desk.run(held).code == "SIGNAL_TOO_OLD"
    assert desk.accepted() == 0


def _orders_by_connection(desk: Desk) -> dict[int | None, list[int]]:
    found: dict[int | None, list[int]] = {}
    for order in desk.orders():
        found.setdefault(order.connection_id, []).append(order.id)
    return found


def test_price_that_one_account_may_not_read_is_read_by_the_others(
    app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget of an account is its own; only that of the address holds back everybody."""
    monkeypatch.setitem(BUDGETS, "sandbox", replace(BUDGETS["sandbox"], account=Window(12, 600)))
    for name in ("alpha", "beta"):
        compared(desk.account(name, preset=desk.preset(max_signal_age_seconds=3600)))
    desk.run(desk.publish()[0])
    assert desk.accepted("alpha") == 1
    first, second = desk.publish(currency_pair="ETH/USDT")
    desk.run(first)
    held = desk.executions(first.signal_id)[0]
    assert (held.code, "waits its turn" in (held.message or "")) == ("RATE_LIMITED", True)
    desk.run(second)
    assert (desk.accepted("alpha"), desk.accepted("beta")) == (1, 1)
