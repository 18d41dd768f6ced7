"""Many accounts, long waits and rows that make no sense: none of them stands in the way of the others."""

from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.models import Execution, ExecutionConnection, ExecutionPosition, Signal, User
from portal.services import daily_loss, monitor, signals
from portal.trading.types import ClosedReason, ExecutionStatus, PositionStatus
from tests.services.desk import Desk


def test_signal_when_it_reaches_five_thousand_accounts_is_published_to_all(desk: Desk) -> None:
    """PostgreSQL takes 65,535 parameters per statement."""
    now = utcnow()
    row = {"exchange_name": "sandbox", "is_admin_owned": True, "admin_id": desk.admin_id, "created_at": now}
    with transaction() as session:
        session.execute(
            sa.insert(ExecutionConnection), [{**row, "name": f"account {n}"} for n in range(5000)]
        )
    author = db.session.get_one(User, desk.admin_id)
    data = {"currency_pair": "BTC/USDT", "direction": "buy"}
    assert signals.submit(data, author=author, source="api", publish=True).executions == 5000


def test_execution_when_its_venue_asks_for_an_hour_expires_with_its_signal(desk: Desk) -> None:
    """F10, F39: it neither trades an hour later nor keeps its lane waiting for so long."""
    desk.account()
    (execution,) = desk.publish()
    key = execution.id
    end_read()
    with transaction() as session:
        held_back = session.get_one(Execution, key)
        held_back.next_attempt_at = utcnow() + timedelta(hours=1)
        session.get_one(Signal, held_back.signal_id).published_at = utcnow() - timedelta(minutes=5)
    assert desk.sweep()["expired"] == 1
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.EXPIRED
    assert execution.code == "SIGNAL_TOO_OLD"
    assert desk.accepted() == 0


def test_position_when_its_row_makes_no_sense_does_not_disarm_the_others(desk: Desk) -> None:
    desk.account(preset=desk.sized(300))
    desk.price("BTC/USDT", 50_000)
    for _ in range(2):
        desk.trade(sl="49000")
    first = desk.positions()[0].id
    end_read()
    with transaction() as session:
        broken = session.get_one(ExecutionPosition, first)
        broken.tp_prices = [{"price": "soon", "close_fraction": "1", "done": False}]
    desk.price("BTC/USDT", 48_000)
    end_read()
    assert monitor.check_positions().looked_at == 2
    desk.close_wanted()
    assert [each.status for each in desk.positions()] == [PositionStatus.OPEN, PositionStatus.CLOSED]


def test_daily_loss_when_a_position_was_closed_in_part_counts_the_part(desk: Desk) -> None:
    """A loss taken with half of a position is a loss of today, whatever becomes of the other half."""
    connection = desk.account(preset=desk.sized(1000)).id
    desk.price("BTC/USDT", 50_000)
    desk.trade()
    key = desk.position().id
    desk.price("BTC/USDT", 40_000)
    end_read()
    with transaction() as session:
        row = session.get_one(ExecutionPosition, key)
        row.close_reason, row.close_quantity = ClosedReason.STOP_LOSS, row.quantity / 2
    desk.close_wanted()
    desk.price("BTC/USDT", 50_000)
    end_read()
    monitor.check_positions()
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert position.realized_pnl < Decimal(-90)
    assert daily_loss.today(connection) == position.realized_pnl + position.unrealized_pnl
