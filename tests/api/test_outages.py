"""What is behind us is down, slow or frozen: answers in time, nothing lost, nothing doubled."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import create_app
from portal.config import Settings
from portal.db import db
from portal.models import Execution, Signal, User
from tests import world
from tests.api.conftest import Caller

ALERT = "symbol=BTCUSDT\nside=buy\nid=a1"

MakeApp = Callable[..., Flask]


@contextmanager
def silence() -> Iterator[int]:
    """A port of this machine that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def other_app(settings: Settings) -> Iterator[MakeApp]:
    """The same portal with a database or a Redis of its own."""
    made: list[Flask] = []

    def make(**values: Any) -> Flask:
        made.append(create_app(replace(settings, **values)))
        return made[-1]

    yield make
    for each in made:
        with each.app_context():
            db.engine.dispose()


def took(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.monotonic()
    return work(), time.monotonic() - start


def test_f03_alert_when_redis_is_down_is_kept_and_answered_quickly(
    app: Flask, as_admin: Caller, admin: User, other_app: MakeApp
) -> None:
    world.make_connection(admin)
    lame = other_app(redis_url="redis://127.0.0.1:1/0")
    for number, expected in ((1, 201), (1, 200), (2, 201)):
        answer, seconds = took(
            lambda n=number: lame.test_client().post(
                f"/hooks/tradingview/{as_admin.token}", data=f"symbol=BTCUSDT\nside=buy\nprice={n}"
            )
        )
        assert answer.status_code == expected
        assert seconds < 1
    assert (world.count(Signal), world.count(Execution)) == (2, 2)


@pytest.mark.parametrize("alert", [ALERT, "symbol=BTCUSDT\nside=buy"], ids=["with a key", "without a key"])
def test_f03_alert_when_redis_is_frozen_is_kept_within_the_senders_patience(
    app: Flask, as_admin: Caller, admin: User, other_app: MakeApp, alert: str
) -> None:
    world.make_connection(admin)
    url = f"/hooks/tradingview/{as_admin.token}"
    with silence() as port:
        lame = other_app(redis_url=f"redis://127.0.0.1:{port}/0")
        answer, seconds = took(lambda: lame.test_client().post(url, data=alert))
    assert answer.status_code == 201
    assert seconds < 3
    assert app.test_client().post(url, data=alert).status_code == 200
    assert (world.count(Signal), world.count(Execution)) == (1, 1)


def test_f04_api_when_redis_is_down_publishes(as_admin: Caller, admin: User, other_app: MakeApp) -> None:
    world.make_connection(admin)
    lame = other_app(redis_url="redis://127.0.0.1:1/0")
    caller = Caller(lame.test_client(), as_admin.token)
    answer = caller.post("/api/v1/signals", {"currency_pair": "BTC/USDT", "direction": "buy"})
    assert answer.status_code == 201
    assert world.count(Execution) == 1
    ready = lame.test_client().get("/readyz")
    assert ready.status_code == 503
    assert ready.json is not None
    assert {name for name, check in ready.json["checks"].items() if not check["ok"]} == {"redis"}
    assert "portal_redis_up 0.0" in lame.test_client().get("/metrics").text


@pytest.mark.parametrize("path", ["/hooks/tradingview/ptc_x", "/api/v1/signals"])
def test_request_when_the_database_is_down_is_503_with_a_sentence(other_app: MakeApp, path: str) -> None:
    lame = other_app(database_url="postgresql+psycopg://nobody@127.0.0.1:1/nowhere")
    answer, seconds = took(
        lambda: lame.test_client().post(path, json={}, headers={"Authorization": "Bearer ptc_x"})
    )
    assert answer.status_code == 503
    assert answer.json["error"]["code"] == "unavailable"
    assert "again" in answer.json["error"]["message"]
    assert answer.headers["Retry-After"] == "5"
    assert seconds < 3
    assert lame.test_client().get("/healthz").status_code == 200


def test_f03_alert_when_the_database_never_answers_is_503_within_three_seconds(other_app: MakeApp) -> None:
    with silence() as port:
        lame = other_app(database_url=f"postgresql+psycopg://nobody@127.0.0.1:{port}/nowhere")
        client = lame.test_client()
        for path, method in (("/hooks/tradingview/ptc_x", "POST"), ("/readyz", "GET")):
            answer, seconds = took(lambda p=path, m=method: client.open(p, method=m, data=ALERT))
            assert answer.status_code == 503
            assert seconds < 3


def test_f03_alert_when_publishing_is_locked_is_503_in_time_and_nothing_is_stored_later(
    app: Flask, as_admin: Caller, admin: User
) -> None:
    world.make_connection(admin)
    url = f"/hooks/tradingview/{as_admin.token}"
    with db.engine.connect() as other:
        other.execute(sa.text("LOCK TABLE signals IN ACCESS EXCLUSIVE MODE"))
        answer, seconds = took(lambda: app.test_client().post(url, data=ALERT))
        assert answer.status_code == 503
        assert seconds < 3
        other.rollback()
    assert (world.count(Signal), world.count(Execution)) == (0, 0)
    assert app.test_client().post(url, data=ALERT).status_code == 201
    assert (world.count(Signal), world.count(Execution)) == (1, 1)
