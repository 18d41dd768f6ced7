"""The figures of a period: against sums made by hand, and nobody sees another's."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, utcnow
from portal.models import ExecutionAnalytics, ExecutionConnection, ExecutionPosition, User
from portal.services.reports import counting, equity, quality, results
from portal.services.reports.figures import Figures
from portal.services.reports.results import GroupBy
from portal.services.reports.scope import Scope
from portal.trading.types import ExecutionStatus, PositionStatus
from portal.web import charts
from tests import world
from tests.web.conftest import MakeVisitor


def closed(connection: ExecutionConnection, pnl: str, days_ago: int = 0, **values: object) -> None:
    when = utcnow().replace(hour=12) - timedelta(days=days_ago)
    if days_ago == 0:
        when = utcnow()
    world.make_position(
        connection,
        status=PositionStatus.CLOSED,
        closed_at=when,
        realized_pnl=Decimal(pnl),
        fees=Decimal("0.5"),
        **values,
    )


def counted(asked: Scope) -> Figures:
    return counting.figures(asked.owner_id, asked.since.date())


@pytest.fixture
def alices(alice: User) -> ExecutionConnection:
    account = world.make_connection(alice, "Alpha")
    closed(account, "100.25")
    closed(account, "-40.10", 3)
    closed(account, "20", 3, symbol="ETH/USDT", currency_pair="ETH/USDT")
    closed(account, "7777", 200)
    return account


def test_results_when_added_by_hand_then_they_are_the_same(alice: User, alices: ExecutionConnection) -> None:
    asked = Scope(alice.id, 7, "USDT")
    figures = counted(asked)
    whole = results.total(figures, asked)
    assert (whole.trades, whole.wins, whole.losses) == (3, 2, 1)
    assert whole.result == Decimal("80.15")
    assert whole.fees == Decimal("1.5")
    assert whole.profit_factor == Decimal("120.25") / Decimal("40.10")
    assert whole.expectancy == Decimal("80.15") / 3
    days = results.by_day(figures, asked)
    assert [day.result for day in days] == [0, 0, 0, Decimal("-20.10"), 0, 0, Decimal("100.25")]
    assert results.added_up(days)[-1] == Decimal("80.15")
    by_symbol = {row.name: row.result for row in results.grouped(figures, asked, GroupBy.SYMBOL)}
    assert by_symbol == {"BTC/USDT": Decimal("60.15"), "ETH/USDT": Decimal("20")}
    for group in GroupBy:
        assert sum(row.result for row in results.grouped(figures, asked, group)) == Decimal("80.15"), group


def test_results_when_they_are_somebody_elses_or_another_currency_then_they_do_not_count(
    alice: User, alices: ExecutionConnection
) -> None:
    bob = world.make_user("bob@example.org")
    closed(world.make_connection(bob, "Beta"), "5", settle="BTC")
    bobs, all_of_them = Scope(bob.id, 7, "USDT"), Scope(None, 7, "USDT")
    assert results.total(counted(bobs), bobs).trades == 0
    assert results.currencies(counted(bobs)) == ["BTC"]
    assert results.currencies(counted(all_of_them)) == ["USDT", "BTC"]
    assert results.total(counted(all_of_them), all_of_them).trades == 3


def test_equity_when_accounts_come_and_miss_days_then_the_curve_says_so(alice: User) -> None:
    one, two = world.make_connection(alice, "One"), world.make_connection(alice, "Two")
    today = utcnow().date()
    for connection, days_ago, value in ((one, 4, 100), (one, 2, 80), (two, 2, 50), (two, 1, 60)):
        world.save(
            ExecutionAnalytics(
                connection_id=connection.id, owner_id=alice.id, connection_name=connection.name,
                date=today - timedelta(days=days_ago), equity=Decimal(value), currency="USDT",
            )
        )  # fmt: skip
    points = equity.curve(Scope(alice.id, 7, "USDT"))
    assert [(int(point.equity), point.accounts) for point in points] == [(100, 1), (130, 2), (140, 2)]
    assert equity.drawdowns(points) == [0, 0, 0]
    lower = [equity.Worth(today, Decimal(value), 1) for value in (100, 80, 120, 90)]
    assert equity.drawdowns(lower) == [0, -20, 0, -25]


def test_quality_when_executions_are_counted_then_every_one_is_in_one_bar(
    alice: User, alices: ExecutionConnection
) -> None:
    now = utcnow()
    signals = [world.make_signal(alice) for _ in range(6)]
    for signal, milliseconds in zip(signals, (5, 20, 21, 700, 60_000), strict=False):
        world.make_execution(
            signal, alices, created_at=now,
            answered_at=now + timedelta(milliseconds=milliseconds),
        )  # fmt: skip
    world.make_execution(
        signals[5], alices, status=ExecutionStatus.DENIED, code="SIGNAL_TOO_OLD", message="Too old."
    )
    figures = counted(Scope(alice.id, 7, "USDT"))
    assert quality.latencies(figures) == [2, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert quality.outcomes(figures) == [(ExecutionStatus.FILLED, 5), (ExecutionStatus.DENIED, 1)]
    assert [(each.code, each.count) for each in quality.refusals(figures)] == [("SIGNAL_TOO_OLD", 1)]
    (total,) = [step for step in quality.steps(figures.times) if step.name == "total"]
    assert (total.count, total.p50, total.p99) == (5, 21, 60_000)


def test_page_when_opened_by_owner_and_administrator_then_each_sees_what_is_theirs_to_see(
    visiting: MakeVisitor, alice: User, admin: User, alices: ExecutionConnection
) -> None:
    page = visiting(alice).get("/analytics?days=7&by=symbol").text
    assert "+80.15" in page
    assert "ETH/USDT" in page
    assert page.count('<svg class="chart') == 2
    assert "style=" not in page
    nothing = visiting(world.make_user("bob@example.org")).see("/analytics?days=7")
    assert "Nothing happened in these days" in nothing
    assert "+80.15" in visiting(admin).get("/admin/report/?days=7").text
    assert "The last 30 days" in visiting(admin).see("/admin/report/")
    assert visiting(alice).get("/admin/report/").status_code == 403


def test_page_over_a_year_when_each_day_traded_then_lists_the_newest_and_names_the_file_for_the_rest(
    visiting: MakeVisitor, alice: User
) -> None:
    connection = world.make_connection(alice)
    for days_ago in range(1, 100):
        closed(connection, "1", days_ago)
    visitor = visiting(alice)
    page = visitor.get("/analytics?days=365").text
    listed = page.partition("Every day in numbers")[2]
    oldest = (utcnow() - timedelta(days=99)).date()
    assert listed.count("<tr>") == 1 + 92
    assert "7 earlier days are in the CSV." in listed
    assert str(oldest) not in listed
    assert f"{oldest},1,1,1" in visitor.get("/analytics/report.csv?days=365").text
    assert "earlier days" not in visitor.get("/analytics?days=90").text


@pytest.mark.parametrize("query", ["days=-1", "days=9e9", "by=password", "currency='--", "days=&by="])
def test_page_when_asked_for_what_is_not_offered_then_it_shows_the_usual(
    visiting: MakeVisitor, alice: User, alices: ExecutionConnection, query: str
) -> None:
    assert "+80.15" in visiting(alice).get(f"/analytics?{query}").text


def test_file_when_downloaded_then_it_has_every_digit_and_no_formula(
    visiting: MakeVisitor, alice: User, alices: ExecutionConnection
) -> None:
    db.session.execute(sa.update(ExecutionPosition).values(connection_name="=HYPERLINK(1)"))
    db.session.commit()
    answer = visiting(alice).get("/analytics/report.csv?days=7")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert len(rows) == 1 + 7 + 2 + 1
    assert sum(Decimal(row[3]) for row in rows[1:8]) == Decimal("80.15")
    assert rows[-1][0] == "'=HYPERLINK(1)"


def test_charts_when_there_is_little_to_draw_then_they_are_empty_or_whole(app: Flask) -> None:
    assert charts.line([], [], "x", scale=str) == ""
    assert charts.line([Decimal(1)], ["a"], "x", scale=str) == ""
    assert charts.bars([0, 0], ["a", "b"], "x", scale=str) == ""
    drawn = charts.line([Decimal(5), Decimal(5)], ["<b>", "b"], "x", scale=str)
    assert "&lt;b&gt;" in drawn
    assert "nan" not in drawn.lower()
