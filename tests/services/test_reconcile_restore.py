"""F60: the database is an hour old again. What the exchange has of ours comes back into the books, and
nothing is sent a second time. Orders are counted at the exchange."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from portal.db import Base, db, end_read, transaction, utcnow
from portal.models import (
    Execution,
    ExecutionConnection,
    ExecutionPosition,
    Fill,
    JobLease,
    Order,
    TradingPreset,
)
from portal.services import books, positions, reconciliation, reruns, trading_state
from portal.services.reconciliation import standing
from portal.trading.types import ClosedReason, ExecutionStatus, PositionStatus, TradingStateValue
from tests.services.desk import Desk
from tests.services.protected import account, opened
from tests.services.reconciled import cycle

_ROWS: tuple[type[Base], ...] = (Execution, ExecutionPosition, Order, Fill)
Backup = Mapping[type[Base], Sequence[Mapping[str, Any]]]


def back_up() -> Backup:
    end_read()
    with db.engine.connect() as link:
        return {
            model: [dict(row) for row in link.execute(model.__table__.select()).mappings()] for model in _ROWS
        }


def restore(backup: Backup, hours: float = 1) -> None:
    """The rows as they were, sequences included, and all of it an hour ago."""
    end_read()
    with db.engine.begin() as link:
        link.execute(sa.text("SET LOCAL session_replication_role = replica"))
        for model in reversed(_ROWS):
            link.execute(sa.delete(model))
        for model in _ROWS:
            if backup[model]:
                link.execute(sa.insert(model), list(backup[model]))
            last = max((row["id"] for row in backup[model]), default=0) + 1
            link.execute(
                sa.text(
                    f"SELECT setval(pg_get_serial_sequence('{model.__tablename__}', 'id'), {last}, false)"
                )
            )
        past = f"make_interval(secs => {hours * 3600})"
        link.execute(sa.text(f"UPDATE executions SET created_at = created_at - {past}"))
        link.execute(sa.text(f"UPDATE signals SET published_at = published_at - {past}"))
        link.execute(sa.text(f"UPDATE execution_connections SET reconciled_at = reconciled_at - {past}"))
        moment = utcnow() - timedelta(hours=hours)
        link.execute(sa.insert(JobLease).values(job="sync_connections", tick=1, owner="", started_at=moment))


def start() -> None:
    """What a start does: notice the pause, tick, and run what is still pending."""
    standing.start_anew_after_downtime()
    reconciliation.sync_connections()


def test_f60_entry_sent_after_the_backup_when_restored_is_adopted_and_not_sent_again(
    desk: Desk, venue: str
) -> None:
    account(desk, venue)
    (execution,) = desk.publish(sl="45000")
    backup = back_up()
    assert desk.run(execution).status is ExecutionStatus.FILLED
    quantity = desk.position().quantity
    restore(backup)
    assert desk.positions() == []
    start()
    desk.run_all()
    cycle(desk)
    cycle(desk)
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED
    position = desk.position()
    assert (position.quantity, position.sl_price) == (quantity, Decimal(45_000))
    assert desk.sent() == 1
    assert books.verify() == []


def test_f60_entry_never_sent_when_restored_expires_without_an_order(desk: Desk, venue: str) -> None:
    account(desk, venue)
    desk.publish()
    restore(back_up())
    start()
    desk.run_all()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.EXPIRED
    assert desk.accepted() == 0


def test_f60_execution_run_again_after_the_backup_when_restored_and_run_again_is_adopted(
    desk: Desk, venue: str
) -> None:
    """The backup says that it was denied. That it was run again since, only the exchange knows."""
    account(desk, venue)
    with transaction() as session:
        session.execute(sa.update(TradingPreset).values(max_signal_age_seconds=86_400))
    trading_state.set_state("everything", "", TradingStateValue.HALTED, "a test", actor=desk.admin)
    key = desk.trade(sl="45000").id
    trading_state.set_state("everything", "", TradingStateValue.ACTIVE, "a test", actor=desk.admin)
    backup = back_up()
    run_again(desk, key)
    quantity = desk.position().quantity
    restore(backup)
    assert (desk.executions()[0].status, desk.positions()) == (ExecutionStatus.DENIED, [])
    start()
    run_again(desk, key)
    assert desk.sent() == 1
    assert desk.position().quantity == quantity
    assert books.verify() == []


def run_again(desk: Desk, key: int) -> None:
    reruns.run_again(key, actor=desk.admin)
    desk.run_all()
    cycle(desk)
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED


def test_f60_entry_when_the_exchange_cannot_be_asked_waits_instead_of_expiring(desk: Desk) -> None:
    account(desk, "sandboxusdm")
    (execution,) = desk.publish()
    backup = back_up()
    desk.run(execution)
    restore(backup)
    start()
    desk.sandbox.add_fault("http_before", "*", status=500)
    desk.run_all()
    desk.sweep()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.PENDING
    desk.sandbox.clear_faults()
    desk.later(30)
    desk.run_all()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_f60_position_closed_after_the_backup_when_restored_is_closed_by_its_own_lost_order(
    desk: Desk, venue: str
) -> None:
    opened(desk, venue)
    backup = back_up()
    positions.request_close(desk.position().id, actor=desk.admin)
    desk.close_wanted()
    assert desk.position().status is PositionStatus.CLOSED
    result = desk.position().realized_pnl
    restore(backup)
    assert desk.position().status is PositionStatus.OPEN
    start()
    desk.run_all()
    cycle(desk)
    cycle(desk)
    position = desk.position()
    assert (position.status, position.closed_reason) == (PositionStatus.CLOSED, ClosedReason.MANUAL)
    assert position.realized_pnl == result
    assert [order.is_external for order in desk.orders()] == [False, False]
    assert desk.orders()[1].intent_key == f"position-{position.id}:close:0"
    assert desk.accepted() == 2
    assert books.verify() == []


def test_f60_ids_that_a_restored_database_has_lost_are_not_given_out_again(desk: Desk, venue: str) -> None:
    account(desk, venue)
    backup = back_up()
    desk.trade()
    lost = {order.client_order_id for order in desk.orders()}
    restore(backup)
    start()
    end_read()
    with transaction() as session:
        session.execute(sa.update(ExecutionConnection).values(settings={"allow_foreign": True}))
    assert desk.trade().status is ExecutionStatus.FILLED
    assert lost.isdisjoint(order.client_order_id for order in desk.orders())
    assert desk.accepted() == 2
