"""The report over all accounts is read from blocks of finished days: it equals the rows, whatever happens to
them afterwards."""

import datetime as dt
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import Base, db, utcnow
from portal.models import (
    Execution,
    ExecutionConnection,
    ExecutionPosition,
    Order,
    ReportChange,
    Signal,
    TradingPreset,
)
from portal.services.reports import blocks, building
from portal.services.reports.scope import PERIODS, Scope
from portal.trading.types import ExecutionStatus, PositionStatus
from tests import world
from tests.services.report_oracle import added_up, answered, trade

#: Days back that the lot draws from: enough for a block of every length.
_PAST = 140
_CURRENCIES = ("USDT", "USDC", "BTC")
Correction = Callable[[], None]
Row = TypeVar("Row", bound=Base)


@pytest.fixture
def owners(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Owners with accounts and trades; the blocks reach as far back as the trades do."""
    monkeypatch.setattr(building, "PERIODS", (_PAST,))
    lot = random.Random(20261124)
    people = [world.make_user(f"owner{number}@example.org") for number in range(3)]
    preset = world.save(TradingPreset(name="Careful"))
    accounts = [
        world.make_connection(owner, f"account {number}", preset_id=preset.id if number % 2 else None)
        for number, owner in enumerate(people * 2)
    ]
    author = world.make_admin()
    for _ in range(60):
        signal = world.make_signal(author, source=lot.choice(("api", "webhook")))
        at = utcnow() - dt.timedelta(hours=lot.randrange(0, 24 * _PAST), microseconds=lot.randrange(10**9))
        for account in lot.sample(accounts, 3):
            trade(lot, signal, account, at)
    return [person.id for person in people]


def agree(owner_id: int | None = None, periods: Sequence[int] = PERIODS) -> None:
    """Every answer for every currency equals the sums made by hand, digit by digit."""
    for days in periods:
        for currency in _CURRENCIES:
            scope = Scope(owner_id, days, currency)
            assert answered(scope) == added_up(scope), scope
    db.session.rollback()


def some(model: type[Row], moment: Any, days_ago: int) -> Row:
    """One row of about then."""
    at = utcnow() - dt.timedelta(days=days_ago)
    return db.session.scalars(sa.select(model).where(moment <= at).order_by(moment.desc()).limit(1)).one()


def covered() -> set[int]:
    """Lengths of the blocks that the longest report is read from."""
    since = Scope(None, _PAST - 2, "").since.date()
    return {span.days for span in blocks.covering(blocks.sound(), since)}


def test_report_when_read_from_blocks_then_it_equals_the_rows_for_everybody_and_for_each_owner(
    owners: list[int],
) -> None:
    agree()
    assert building.build() > _PAST
    assert covered() == {1, 8, 64}
    agree()
    for owner_id in owners:
        agree(owner_id, (365,))
    assert building.build() == 0


def test_report_when_there_are_blocks_then_old_rows_are_not_read(owners: list[int]) -> None:
    building.build()
    scope = Scope(None, 90, "USDT")
    before = answered(scope)
    db.session.execute(sa.text("SET LOCAL session_replication_role = replica"))
    old = ExecutionPosition.closed_at < utcnow() - dt.timedelta(days=3)
    db.session.execute(sa.update(ExecutionPosition).where(old).values(realized_pnl=1))
    db.session.commit()
    assert answered(scope) == before
    assert answered(scope) != added_up(scope)


def _position(days_ago: int, **values: object) -> None:
    row = some(ExecutionPosition, ExecutionPosition.closed_at, days_ago)
    for name, value in values.items():
        setattr(row, name, value)


def _entry(days_ago: int, **values: object) -> None:
    position = some(ExecutionPosition, ExecutionPosition.closed_at, days_ago)
    db.session.execute(sa.update(Order).where(Order.position_id == position.id).values(**values))


def _execution(days_ago: int, **values: object) -> None:
    row = some(Execution, Execution.created_at, days_ago)
    db.session.execute(sa.update(Execution).where(Execution.id == row.id).values(**values))


def _found_late() -> None:
    account = db.session.scalars(sa.select(ExecutionConnection).limit(1)).one()
    at = utcnow() - dt.timedelta(days=33)
    world.make_position(
        account, status=PositionStatus.CLOSED, closed_at=at, realized_pnl=Decimal("-0.000000000000000001")
    )


def _delete(days_ago: int) -> None:
    position = some(ExecutionPosition, ExecutionPosition.closed_at, days_ago)
    db.session.execute(sa.delete(Order).where(Order.position_id == position.id))
    db.session.execute(sa.delete(ExecutionPosition).where(ExecutionPosition.id == position.id))


def _lose_signal(days_ago: int) -> None:
    row = some(Execution, Execution.created_at, days_ago)
    db.session.execute(sa.delete(Signal).where(Signal.id == row.signal_id))


CORRECTIONS: dict[str, Correction] = {
    "a late fill": lambda: _position(5, realized_pnl=Decimal("12345.678901234567890123")),
    "a late fee": lambda: _position(20, fees=Decimal("7.000000000000000001")),
    "closed on another day after all": lambda: _position(40, closed_at=utcnow() - dt.timedelta(days=72)),
    "opened again": lambda: _position(60, closed_at=None, status=PositionStatus.OPEN),
    "in another currency": lambda: _position(61, settle="BTC"),
    "another price of an entry": lambda: _entry(80, average_price=Decimal(9), reference_price=Decimal(8)),
    "an entry that was none": lambda: _entry(10, role="close"),
    "an outcome that was found late": lambda: _execution(11, status="rejected", code="LATE", message="Late."),
    "run again": lambda: _execution(12, rerun_at=utcnow(), claimed_at=utcnow(), answered_at=utcnow()),
    "an account that came to light late": _found_late,
    "a position that is deleted": lambda: _delete(25),
    "a signal that is deleted": lambda: _lose_signal(50),
}  # fmt: skip


def test_report_when_the_past_is_corrected_then_it_follows_at_once_and_after_the_next_night(
    owners: list[int],
) -> None:
    building.build()
    for what, correct in CORRECTIONS.items():
        before = [answered(Scope(None, 365, currency)) for currency in _CURRENCIES]
        correct()
        db.session.commit()
        assert [answered(Scope(None, 365, currency)) for currency in _CURRENCIES] != before, what
        agree(periods=(30, 365))
        assert building.build() > 0, what
        assert world.count(ReportChange) == 0
        agree(periods=(30, 365))
    assert covered() == {1, 8, 64}


def test_report_when_an_account_its_preset_or_its_owner_changes_then_it_follows_without_new_blocks(
    owners: list[int],
) -> None:
    building.build()
    first, second, *_ = db.session.scalars(sa.select(ExecutionConnection).order_by(ExecutionConnection.id))
    first.preset_id = second.preset_id
    first.name = "called otherwise"
    db.session.delete(second)
    db.session.commit()
    agree()
    assert building.build() == 0


def test_block_when_a_change_of_its_day_is_committed_after_it_then_it_is_not_read(
    app: Flask, owners: list[int]
) -> None:
    id_ = some(ExecutionPosition, ExecutionPosition.closed_at, 30).id
    db.session.rollback()
    with db.engine.begin() as slow:
        changed = sa.update(ExecutionPosition).where(ExecutionPosition.id == id_).values(realized_pnl=5)
        slow.execute(changed)
        building.build()
    agree()
    building.build()
    agree()


def test_trigger_when_rows_are_of_today_then_it_notes_nothing(app: Flask) -> None:
    author = world.make_admin()
    account = world.make_connection(author)
    trade(random.Random(1), world.make_signal(author), account, utcnow() - dt.timedelta(hours=2))
    db.session.execute(sa.update(Execution).values(status=ExecutionStatus.FILLED))
    db.session.execute(sa.update(ExecutionPosition).values(closed_at=utcnow(), fees=1))
    db.session.execute(sa.update(Order).values(average_price=1))
    db.session.commit()
    assert world.count(ReportChange) == 0
