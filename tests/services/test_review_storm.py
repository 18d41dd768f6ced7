"""Everything at once, with lost answers: no deadlock, no double order, and books that equal the exchange."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read, transaction
from portal.errors import ConflictError
from portal.models import UNSETTLED, ExecutionPosition, User
from portal.services import (
    books,
    closing,
    executions,
    monitor,
    positions,
    reconciliation,
    resolution,
    signals,
    sweeper,
)
from portal.trading.types import ExecutionStatus, OrderState, PositionStatus
from tests.helpers import at_once
from tests.services.desk import Desk

PAIRS = ("BTC/USDT", "ETH/USDT")
NOWHERE = (OrderState.NOT_PLACED, OrderState.REJECTED)
Work = Callable[[], object]


def storm(app: Flask, works: list[Work], seed: int) -> None:
    """All of `works` twice, in any order, by eight threads with sessions of their own."""
    jobs = works * 2
    random.Random(seed).shuffle(jobs)
    at_once(app, jobs, threads=8)


def works(desk: Desk) -> list[Work]:
    """What workers, schedulers and people may do at this moment."""
    found: list[Work] = [monitor.check_positions, sweeper.sweep, reconciliation.sync_connections]
    found += [partial(executions.run, each.id) for each in desk.executions()]
    found += [partial(closing.run_close, each.id) for each in desk.positions()]
    found += [partial(resolution.resolve, each.id) for each in desk.orders()]
    return found


def ask_to_close(key: int) -> None:
    try:
        positions.request_close(key, actor="a person")
    except ConflictError:
        return


def publish(author_id: int, pair: str, action: str) -> None:
    author = db.session.get_one(User, author_id)
    data = {"currency_pair": pair, "direction": "buy", "action": action}
    levels = {"sl": "1", "tp": ["90000", "99000"]} if action == "open" and pair == "BTC/USDT" else {}
    signals.submit({**data, **levels}, author=author, source="api", publish=True)


def calm(desk: Desk) -> None:
    """Time passes until nothing is left to do."""
    for _ in range(12):
        desk.later(40)
        desk.resolve_due()
        desk.run_all()
        desk.close_wanted()
        unsettled = [each for each in desk.executions() if each.status in UNSETTLED]
        busy = [each for each in desk.positions() if each.close_reason or each.status.value == "closing"]
        if not unsettled and not [each for each in busy if each.closed_at is None]:
            return


@pytest.mark.parametrize("exchange", ["sandbox", "sandboxusdm"])
def test_books_when_everything_happens_at_once_equal_the_exchange(
    app: Flask, desk: Desk, exchange: str
) -> None:
    market = "swap" if exchange == "sandboxusdm" else "spot"
    for name in ("alpha", "beta"):
        desk.account(name, exchange=exchange, preset=desk.sized(300, market_type=market))
    desk.price("BTC/USDT", 50_000)
    desk.price("ETH/USDT", 3_000)
    desk.sandbox.add_fault("accept_no_answer", probability=0.15)
    desk.sandbox.add_fault("close_before_accept", probability=0.05)
    author = desk.admin_id
    for turn in range(2):
        for pair in PAIRS:
            publish(author, pair, "open")
        storm(app, [*works(desk), partial(publish, author, "BTC/USDT", "open")], turn)
        desk.price("BTC/USDT", 92_000 if turn == 1 else 50_000)
        asked = [partial(ask_to_close, each.id) for each in desk.positions()[::3]]
        storm(app, [*works(desk), *asked], 10 + turn)
        desk.later(3)
        storm(app, works(desk), 20 + turn)
    for pair in PAIRS:
        publish(author, pair, "close")
    storm(app, works(desk), 30)
    desk.sandbox.clear_faults()
    calm(desk)

    assert books.verify() == []
    assert [each.status for each in desk.executions() if each.status in UNSETTLED] == []
    sent = [each for each in desk.orders() if each.state not in NOWHERE]
    assert desk.accepted() == len(sent), "every order at the exchange is known, and the other way round"
    assert {each.client_order_id for each in desk.sandbox.orders()} == {each.client_order_id for each in sent}
    assert {each.status for each in desk.positions()} == {PositionStatus.CLOSED}, held_in_books(desk)
    assert left_at_the_exchange(desk, market) == 0


def held_in_books(desk: Desk) -> list[str]:
    return [f"{each.id} {each.symbol} {each.status} {each.quantity}" for each in desk.positions()]


def left_at_the_exchange(desk: Desk, market: str) -> Decimal:
    """What the accounts hold beyond the dust that the books know."""
    held = Decimal(0)
    for each in desk.sandbox.fills():
        quantity = Decimal(str(each["quantity"]))
        held += quantity if each["side"].lower() == "buy" else -quantity
        if market == "spot" and each["fee_asset"] in ("BTC", "ETH"):
            held -= Decimal(str(each["fee"]))
    return held - sum((each.dust_quantity for each in desk.positions()), Decimal(0))


def test_f58_monitor_when_it_loses_a_deadlock_checks_all_the_same(app: Flask, desk: Desk) -> None:
    """F58: the bulk mark locks rows as it meets them, a closing signal in the order of their ids."""
    desk.account(preset=desk.sized(300))
    desk.price("BTC/USDT", 50_000)
    for _ in range(2):
        assert desk.trade().status is ExecutionStatus.FILLED
    first, second = (each.id for each in desk.positions())
    put_behind(first, second)

    def check() -> monitor.Checked:
        with app.app_context(), scanning():
            return monitor.check_positions()

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            session.get_one(ExecutionPosition, first, with_for_update=True)
            running = pool.submit(check)
            wait_for_a_waiter()
            session.get_one(ExecutionPosition, second, with_for_update=True)
        assert running.result(30).marked == 2


@contextmanager
def scanning() -> Iterator[None]:
    """Read tables from front to back, as PostgreSQL does when there are many rows."""

    def plan(connection: Any, *_: object) -> None:
        connection.cursor().execute("SET enable_indexscan = off; SET enable_bitmapscan = off")

    sa.event.listen(db.engine, "checkout", plan)
    try:
        yield
    finally:
        sa.event.remove(db.engine, "checkout", plan)
        db.session.remove()
        db.engine.dispose()


def put_behind(first: int, second: int) -> None:
    """Move the row of `first` behind that of `second`: a scan then meets them the wrong way round."""
    places = sa.text("SELECT id FROM execution_positions ORDER BY ctid")
    for turn in range(50):
        end_read()
        with transaction() as session:
            session.get_one(ExecutionPosition, first).best_price = Decimal(turn + 1)
        if list(db.session.execute(places).scalars()) == [second, first]:
            end_read()
            return
    raise AssertionError("the rows did not change places")


def wait_for_a_waiter() -> None:
    """Until another connection waits for a lock of ours."""
    until = time.monotonic() + 10
    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    while time.monotonic() < until:
        with db.engine.connect() as link:
            if link.execute(waiting).scalar_one():
                return
        time.sleep(0.02)
    raise AssertionError("nobody waited")
