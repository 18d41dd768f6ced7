"""The first page: what needs somebody now, each with a way to where it is put right."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask

from portal.config import Settings
from portal.db import utcnow
from portal.exchanges.budgets import Call, budget_of
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.jobs import keys
from portal.models import ExecutionAnalytics, TradingState
from portal.services import traffic, traffic_budget
from portal.services.traffic_lanes import Purpose, route
from portal.trading.types import ExecutionStatus
from tests import world
from tests.admin.conftest import Panel
from tests.jobs.failing import fail
from tests.visiting import Visitor


def figure(text: str, label: str) -> str:
    """One figure of the page with its tone, its link and what it says."""
    found = re.search(
        rf'<div class="figure ?[a-z]*">\s*<div class="figure-label">(?:<a [^>]*>)?{label}.*?\n</div>',
        text,
        re.S,
    )  # noqa: E501
    assert found is not None, label
    return found.group()


def spend(app: Flask, settings: Settings, share: int) -> None:
    """So many percent of the sandbox's budget, as workers do."""
    way = route("sandbox", settings.egress)
    cost = budget_of("sandbox").address.limit * share // 100
    ruling = traffic.current().ask(way, Call.BALANCES, Purpose.VITAL, cost)
    assert not ruling.wait


def test_dashboard_when_a_budget_is_nearly_spent_then_says_at_which_exchange(
    app: Flask, settings: Settings, panel: Panel, visitor: Visitor
) -> None:
    spend(app, settings, 10)
    (calm,) = traffic_budget.spent()
    assert (calm.exchange_name, calm.percent, calm.is_low) == ("sandbox", 10, False)
    assert "good" in figure(visitor.get("/admin/").text, "Low request budgets")
    spend(app, settings, 60)
    text = visitor.get("/admin/").text
    low = figure(text, "Low request budgets")
    assert "warn" in low
    assert "sandbox" in low
    assert 'id="budgets"' in text
    assert "badge-warn" in text


def test_dashboard_when_jobs_failed_and_nobody_works_then_leads_to_the_jobs(
    app: Flask, panel: Panel, visitor: Visitor
) -> None:
    fail(app.extensions["portal_redis"], "orders", "run-execution-1-x", "")
    text = visitor.get("/admin/").text
    for label in ("Workers", "Schedulers", "Sweeper", "Failed jobs"):
        assert "/admin/jobs/" in figure(text, label), label
    assert "bad" in figure(text, "Workers")
    assert "bad" in figure(text, "Schedulers")
    assert "warn" in figure(text, "Failed jobs")


def test_dashboard_when_a_worker_was_killed_then_does_not_count_it_as_one_that_runs(
    app: Flask, panel: Panel, visitor: Visitor
) -> None:
    redis = app.extensions["portal_redis"]
    killed, stranger, now = keys.worker("killed"), keys.worker("stranger"), utcnow()
    redis.sadd(keys.WORKERS, killed, stranger, keys.worker("forgotten"))
    redis.set(stranger, "not a hash")
    redis.hset(killed, "last_heartbeat", (now - timedelta(minutes=1)).isoformat())
    redis.zadd(keys.SCHEDULERS, {"clock": now.timestamp()})
    text = visitor.get("/admin/").text
    assert "bad" in figure(text, "Workers")
    assert "start one with portal worker" in figure(text, "Workers")
    assert "no position is watched: no worker runs" in figure(text, "Sweeper")
    redis.hset(killed, "last_heartbeat", now.isoformat())
    text = visitor.get("/admin/").text
    assert "good" in figure(text, "Workers")
    assert "no position is watched: see what the workers do" in figure(text, "Sweeper")


def test_dashboard_when_signals_went_out_today_then_shows_their_fan_out(
    panel: Panel, visitor: Visitor
) -> None:
    early = world.make_signal(
        world.make_user("carl@example.org", "admin"),
        is_published=False,
        currency_pair="ETH/USDT",
    )
    assert "Latest signals" in visitor.get("/admin/").text
    execution = world.make_execution(early, panel.connection, status=ExecutionStatus.DENIED)
    early.is_published, early.published_at, early.publish_sequence = True, utcnow(), execution.sequence
    world.save(early)
    text = visitor.get("/admin/").text
    assert "Signals today" in text
    assert "ETH/USDT" in text
    assert "denied" in text


def test_dashboard_when_figures_of_last_night_exist_then_shows_the_equity(
    panel: Panel, visitor: Visitor
) -> None:
    world.save(
        ExecutionAnalytics(
            connection_id=panel.connection.id, connection_name="Main account", currency="USDT",
            date=(utcnow() - timedelta(days=1)).date(), equity=Decimal("1234.5"),
        )
    )  # fmt: skip
    assert "1,234.50" in figure(visitor.get("/admin/").text, "Equity")


@pytest.mark.parametrize(
    ("scope", "key", "typed", "kept"),
    [("everything", "", "", 0), ("everything", "", "halted", 1), ("exchange", "kraken", "", 1)],
)
def test_switch_of_the_dashboard_when_set_by_scope_then_everything_needs_the_typed_word(
    visitor: Visitor, scope: str, key: str, typed: str, kept: int
) -> None:
    assert f'<option value="{scope}"' in visitor.get("/admin/").text
    answer = visitor.post(
        "/admin/trading_state/set",
        {"scope": scope, "key": key, "state": "halted", "reason": "a test", "confirmation": typed},
    )
    assert answer.status_code == (302 if kept else 422)
    assert world.count(TradingState) == kept


def test_dashboard_when_an_exchange_is_silent_then_names_it_and_the_account(
    panel: Panel, visitor: Visitor
) -> None:
    way = route("sandbox", "here", connection_id=panel.connection.id, api_key="k")
    error = ExchangeError(ErrorCode.TIMEOUT, "no", outcome=Outcome.UNKNOWN)
    for _ in range(8):
        traffic.current().failed(way, Call.BALANCES, error, traffic.Ruling())
    page = " ".join(visitor.get("/admin/").text.split())
    assert f"The exchange for {panel.connection.name} does not answer since" in page
    assert "Practice exchange does not answer since" in page
    assert "venue:sandbox" not in page
