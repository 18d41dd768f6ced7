"""What is held back is seen where people look: `portal check`, the figures, the dashboard's list."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from portal.config import Settings
from portal.db import utcnow
from portal.exchanges.budgets import BUDGETS, Call, Scope
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.services import traffic
from portal.services.health_checks import run_checks
from portal.services.traffic import Pace, Ruling, Traffic
from portal.services.traffic_lanes import route
from portal.services.traffic_report import held_back
from tests.helpers import eventually


def hit(control: Traffic, code: ErrorCode, times: int = 1, **more: object) -> None:
    way = route("sandbox", "here", connection_id=7, api_key="secret-key")
    error = ExchangeError(code, "no", outcome=Outcome.UNKNOWN, **more)  # type: ignore[arg-type]
    for _ in range(times):
        control.failed(way, Call.BALANCES, error, Ruling())


def test_nothing_is_held_back_at_first_and_failures_alone_are_no_news(app: Flask) -> None:
    assert held_back() == []
    hit(traffic.current(), ErrorCode.TIMEOUT, 4)
    assert held_back() == []


def test_open_breakers_are_listed_with_their_reason(app: Flask, settings: Settings) -> None:
    hit(traffic.current(), ErrorCode.TIMEOUT, 8)
    connection, venue = held_back()
    assert (connection.kind, connection.scope, connection.name) == ("breaker", "connection", "connection:7")
    assert (venue.kind, venue.scope, venue.name) == ("breaker", "venue", "venue:sandbox@here")
    assert venue.reason == "TIMEOUT"
    assert venue.since is not None
    assert utcnow() - venue.since < timedelta(seconds=5)
    assert timedelta(seconds=5) < venue.until - utcnow() <= timedelta(seconds=10)
    found = [each.message for each in run_checks(settings) if each.id == "portal.W112"]
    assert len(found) == 2
    assert "venue:sandbox@here does not answer since" in found[1]


def test_pauses_are_listed_until_they_are_over_and_name_no_key(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit(traffic.current(), ErrorCode.RATE_LIMITED, retry_after=30)
    monkeypatch.setitem(BUDGETS, "sandbox", replace(BUDGETS["sandbox"], limited=Scope.ACCOUNT))
    hit(Traffic(app.extensions["portal_redis"], Pace(unsaid=0.3)), ErrorCode.RATE_LIMITED)
    account, venue = held_back()
    assert (account.kind, account.scope) == ("pause", "account")
    assert "secret-key" not in str(account)
    assert timedelta(seconds=25) < venue.until - utcnow() <= timedelta(seconds=30)
    assert "asked for a pause until" in str(venue)
    eventually(lambda: held_back() == [venue], timeout=3)


def test_what_was_closed_is_not_listed_any_more(app: Flask) -> None:
    control = traffic.current()
    hit(control, ErrorCode.MAINTENANCE)
    assert [each.reason for each in held_back()] == ["MAINTENANCE"]
    control.worked(route("sandbox", "here", connection_id=8, api_key="another"))
    assert held_back() == []
