"""S39: fifty entries at the edge of each limit at once. None overshoots it; orders are counted at the
exchange."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read, transaction, utcnow
from portal.models import ExecutionPosition
from portal.services import executions
from portal.trading.types import ExecutionStatus
from tests.helpers import at_once, eventually
from tests.services.desk import Desk
from tests.services.test_limits import PAIRS, codes, settle

FIFTY = 50


def account(desk: Desk, **limits: Any) -> None:
    desk.account(preset=desk.sized(100, **limits))


def publish(desk: Desk, pairs: tuple[str, ...]) -> None:
    for number in range(FIFTY):
        desk.publish(currency_pair=pairs[number % len(pairs)])


def test_s39_open_positions_when_fifty_run_at_once_are_not_overshot(app: Flask, desk: Desk) -> None:
    account(desk, max_open_positions=5)
    publish(desk, PAIRS)
    settle(app, desk)
    assert desk.accepted() == 5
    assert len(desk.positions()) == 5
    assert codes(desk) == {None: 5, "MAX_OPEN_POSITIONS": 45}


def test_s39_positions_on_a_symbol_when_fifty_run_at_once_are_not_overshot(app: Flask, desk: Desk) -> None:
    """An entry whose answer is lost holds its place as long as it may exist."""
    account(desk, max_positions_per_symbol=2)
    desk.sandbox.add_fault("http_after", status=502, count=2)
    publish(desk, ("BTC/USDT", "ETH/USDT"))
    for _ in range(FIFTY):
        end_read()
        desk.later(3)
        desk.resolve_due()
        if not any(
            each.status in (ExecutionStatus.PENDING, ExecutionStatus.UNRESOLVED) for each in desk.executions()
        ):
            break
        waiting = [each.id for each in desk.executions() if each.status is ExecutionStatus.PENDING]
        at_once(app, [partial(executions.run, key) for key in waiting], threads=16)
    assert desk.accepted() == 4
    assert Counter(each.currency_pair for each in desk.positions()) == {"BTC/USDT": 2, "ETH/USDT": 2}
    assert codes(desk) == {None: 4, "MAX_POSITIONS_PER_SYMBOL": 46}


def test_s39_daily_loss_when_it_comes_while_fifty_run_lets_no_later_entry_through(
    app: Flask, desk: Desk
) -> None:
    account(desk, max_daily_loss_percent=Decimal(5))
    desk.trade(currency_pair="BNB/USDT")
    publish(desk, PAIRS)
    end_read()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(in_context, app, desk)
        eventually(lambda: desk.accepted() > 3)
        with transaction() as session:
            first = sa.select(sa.func.min(ExecutionPosition.id)).scalar_subquery()
            session.execute(
                sa.update(ExecutionPosition)
                .where(ExecutionPosition.id == first)
                .values(unrealized_pnl=Decimal(-2000))
            )
        lost_at = utcnow()
        running.result(timeout=60)
    late = [order for order in desk.orders() if order.sent_at > lost_at + timedelta(milliseconds=500)]
    assert late == []
    assert desk.accepted() == len(desk.orders())
    assert codes(desk)["MAX_DAILY_LOSS"] == FIFTY + 1 - desk.accepted()
    assert desk.accepted() < FIFTY


def in_context(app: Flask, desk: Desk) -> None:
    with app.app_context():
        settle(app, desk)
        db.session.remove()
