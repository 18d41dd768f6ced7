"""The nightly figures: right, repeatable, one row per connection and day."""

from decimal import Decimal

import pytest
import sqlalchemy as sa

from portal.db import db, end_read, utcnow
from portal.models import ExecutionAnalytics, ExecutionConnection, ExecutionPosition, Notification
from portal.services import analytics, books
from portal.trading.types import NotificationType
from tests.services.desk import Desk


def rows() -> list[dict[str, object]]:
    table = ExecutionAnalytics.__table__
    found = db.session.execute(sa.select(table).order_by(table.c.id)).mappings().all()
    return [{key: value for key, value in row.items() if key != "updated_at"} for row in found]


def traded_day(desk: Desk) -> None:
    key = desk.account(preset=desk.sized()).id
    for target in (51_000, 49_000):
        desk.price("BTC/USDT", 50_000)
        desk.trade(sl="49500", tp="50500")
        desk.price("BTC/USDT", target)
        desk.watch()
    connection = db.session.get_one(ExecutionConnection, key)
    connection.last_balance = {"currency": "USDT", "free": "9990", "total": "9990"}
    db.session.commit()


def test_figures_of_a_day_with_a_win_and_a_loss_are_right(desk: Desk) -> None:
    traded_day(desk)
    end_read()
    assert analytics.update_analytics(utcnow().date()) == 1
    (row,) = rows()
    results = [position.realized_pnl for position in desk.positions()]
    assert (row["trades"], row["wins"], row["losses"]) == (2, 1, 1)
    assert row["win_rate"] == 50
    assert row["realized_pnl"] == sum(results)
    assert row["expectancy"] == (sum(results) / 2).quantize(Decimal("1E-12"))
    assert row["balance"] == 9990
    assert row["latency_p50_ms"] is not None
    assert row["slippage_bps"] is not None


def test_f61_figures_when_the_night_runs_twice_are_the_same(desk: Desk) -> None:
    traded_day(desk)
    end_read()
    analytics.update_analytics(utcnow().date())
    first = rows()
    end_read()
    analytics.update_analytics(utcnow().date())
    assert rows() == first


def test_f61_figures_when_the_night_is_killed_half_way_and_runs_again_are_those_of_a_quiet_night(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two accounts; the worker dies after the first, with the second half written."""
    traded_day(desk)
    desk.account("beta", preset=desk.sized(500))
    desk.price("BTC/USDT", 50_000)
    desk.publish(sl="49500", tp="50500")
    desk.run_all()
    desk.price("BTC/USDT", 51_000)
    desk.watch()
    today = utcnow().date()
    end_read()
    analytics.update_analytics(today)
    quiet = rows()
    assert [row["trades"] for row in quiet] == [3, 1]
    db.session.execute(sa.delete(ExecutionAnalytics))
    db.session.commit()

    write, done = analytics._write, []

    def die_at_the_second(connection: ExecutionConnection, day: analytics.Day) -> None:
        write(connection, day)
        done.append(connection.id)
        if len(done) == 2:
            raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(analytics, "_write", die_at_the_second)
        with pytest.raises(SystemExit):
            analytics.update_analytics(today)
    assert len(rows()) == 1, "what was finished stays, what was not is not there"
    end_read()
    analytics.update_analytics(today)
    moving = ("id", "created_at")
    plain = [[{k: v for k, v in row.items() if k not in moving} for row in each] for each in (rows(), quiet)]
    assert plain[0] == plain[1]


def test_books_when_a_stored_number_was_changed_name_the_place_and_tell_the_administrators(
    desk: Desk,
) -> None:
    traded_day(desk)
    assert books.verify() == []
    db.session.execute(sa.update(ExecutionPosition).values(realized_pnl=ExecutionPosition.realized_pnl + 1))
    db.session.commit()
    found = books.verify_books_nightly()
    assert [each.field for each in found] == ["realized_pnl", "realized_pnl"]
    told = db.session.execute(
        sa.select(Notification).where(
            Notification.user_id.is_(None), Notification.type == NotificationType.ERROR
        )
    ).scalars()
    assert "disagree in 2 places" in next(told).title
