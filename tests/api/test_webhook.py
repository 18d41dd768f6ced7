"""POST /hooks/tradingview/{token}."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from portal.api import dedupe
from portal.db import db, utcnow
from portal.models import ApiToken, Execution, Signal, User
from portal.services import tokens
from tests import world
from tests.api.conftest import Caller, MakeCaller

ALERT = "symbol=BINANCE:BTCUSDT\nside=buy\nprice=64000.50\nsl=60000"


@pytest.fixture
def hook(as_admin: Caller) -> str:
    return f"/hooks/tradingview/{as_admin.token}"


@pytest.mark.parametrize(
    "content_type", ["text/plain; charset=utf-8", "application/json", "application/octet-stream"]
)
@pytest.mark.parametrize(
    "body",
    [ALERT, '{"symbol": "BTCUSDT", "side": "buy", "price": 64000.50, "sl": "60000"}'],
    ids=["text", "json"],
)
def test_alert_in_text_or_json_is_published_whatever_its_content_type(
    client: FlaskClient, hook: str, admin: User, body: str, content_type: str
) -> None:
    world.make_connection(admin)
    answer = client.post(hook, data=body, content_type=content_type)
    assert (answer.status_code, answer.json) == (201, {"id": 1, "is_published": True, "executions": 1})
    signal = db.session.get_one(Signal, 1)
    assert (signal.currency_pair, signal.source, str(signal.open_price)) == (
        "BTC/USDT", "webhook", "64000.500000000000000000",
    )  # fmt: skip


def test_alert_needs_no_cookie_no_header_and_no_csrf_token(client: FlaskClient, hook: str) -> None:
    answer = client.post(hook, data=ALERT)
    assert answer.status_code == 201
    assert "Set-Cookie" not in answer.headers


def test_alert_with_its_key_again_is_the_same_signal_and_with_other_content_a_conflict(
    client: FlaskClient, hook: str
) -> None:
    answers = [client.post(hook, data=f"{ALERT}\nid=a1") for _ in range(2)]
    other = client.post(hook, data=f"{ALERT}\nid=a1\ntp=70000")
    assert [answer.status_code for answer in (*answers, other)] == [201, 200, 409]
    assert answers[0].json == answers[1].json
    assert world.count(Signal) == 1


@pytest.mark.parametrize("key", ["", "\nid=a1", "\ntimenow={now:%Y-%m-%dT%H:%M:%SZ}"])
def test_f01_same_alert_fifty_times_in_parallel_is_one_signal_and_every_answer_names_it(
    app: Flask, hook: str, admin: User, key: str
) -> None:
    world.make_connection(admin)
    db.session.remove()

    body = ALERT + key.format(now=utcnow())

    def post(_number: int) -> tuple[int, Any]:
        answer = app.test_client().post(hook, data=body)
        return answer.status_code, answer.json

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(50)))
    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    # Whoever came second may have used up a number.
    assert {body["id"] for _, body in answers} == {db.session.scalar(sa.select(Signal.id))}
    assert (world.count(Signal), world.count(Execution)) == (1, 1)


def test_alert_without_a_key_comes_again_after_a_minute_as_a_new_signal(
    client: FlaskClient, hook: str
) -> None:
    client.post(hook, data=ALERT)
    db.session.get_one(Signal, 1).created_at = utcnow() - timedelta(seconds=61)
    db.session.get_one(Signal, 1).dedupe_key = "of-an-earlier-minute"
    db.session.commit()
    client.application.extensions["portal_redis"].flushdb()
    assert client.post(hook, data=ALERT).status_code == 201
    assert world.count(Signal) == 2


@pytest.mark.parametrize("redis_remembers", [True, False])
def test_alert_without_a_key_is_the_same_signal_across_the_change_of_a_minute(
    app: Flask, admin: User, redis_remembers: bool
) -> None:
    before = datetime(2026, 1, 1, 12, 0, 59, tzinfo=UTC)
    alert = {"symbol": "BTCUSDT", "side": "buy"}
    first = dedupe.derive_key(alert, admin.id, before)
    world.make_signal(admin, dedupe_key=first, created_at=before)
    if not redis_remembers:
        app.extensions["portal_redis"].flushdb()
    assert dedupe.derive_key(alert, admin.id, before + timedelta(seconds=2)) == first
    app.extensions["portal_redis"].flushdb()
    assert dedupe.derive_key(alert, admin.id, before + timedelta(seconds=61)) != first


def test_f11_alert_with_the_time_it_fired_is_one_signal_for_ever(app: Flask, admin: User) -> None:
    alert = {"symbol": "BTCUSDT", "timenow": "2026-01-01T12:00:00Z"}
    now = utcnow()
    keys = {dedupe.derive_key(alert, admin.id, now + timedelta(days=days)) for days in (0, 1, 30)}
    later = dedupe.derive_key(alert | {"timenow": "2026-01-01T12:00:01Z"}, admin.id, now)
    assert len(keys) == 1
    assert later not in keys


@pytest.mark.parametrize("minutes", [-3, 3, 600])
def test_f11_alert_that_fired_at_another_time_is_refused_and_its_exit_is_not(
    client: FlaskClient, hook: str, admin: User, minutes: int
) -> None:
    world.make_connection(admin)
    fired = f"{utcnow() - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
    answer = client.post(hook, data=f"{ALERT}\ntimenow={fired}")
    assert answer.status_code == 422
    assert answer.json is not None
    assert "Nothing was published" in answer.json["error"]["fields"]["timenow"]
    assert (world.count(Signal), world.count(Execution)) == (0, 0)
    assert (
        client.post(hook, data=f"symbol=BTCUSDT\nside=buy\naction=close\ntimenow={fired}").status_code == 201
    )


def test_f11_captured_alert_when_it_is_sent_again_later_is_the_first_signal(
    client: FlaskClient, hook: str, admin: User
) -> None:
    world.make_connection(admin)
    alert = f"{ALERT}\nid=a1\ntimenow={utcnow() - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    first = client.post(hook, data=f"{ALERT}\nid=a1")
    assert (first.status_code, client.post(hook, data=alert).status_code) == (201, 200)
    assert (world.count(Signal), world.count(Execution)) == (1, 1)


def test_wrong_revoked_or_foreign_token_is_nowhere_and_nothing_is_stored(
    app: Flask, client: FlaskClient, admin: User, as_admin: Caller
) -> None:
    token_id = db.session.query(ApiToken.id).scalar()
    tokens.revoke(token_id, actor="tests")
    for wrong in ("ptc_" + "a" * 43, "x", "a" * 500, "caf%C3%A9", as_admin.token):
        answer = client.post(f"/hooks/tradingview/{wrong}", data=ALERT)
        assert (answer.status_code, answer.content_type) == (404, "application/json"), wrong
    assert client.post("/hooks/tradingview/%00", data=ALERT).status_code == 400
    assert world.count(Signal) == 0


def test_token_of_a_deactivated_administrator_is_nowhere(client: FlaskClient, hook: str, admin: User) -> None:
    admin.active = False
    db.session.commit()
    assert client.post(hook, data=ALERT).status_code == 404
    assert world.count(Signal) == 0


def test_token_that_may_not_publish_is_refused_with_a_sentence(
    client: FlaskClient, calling: MakeCaller, admin: User, alice: User
) -> None:
    for user, scope, words in ((admin, "read", "signals:write"), (alice, "signals:write", "administrator")):
        answer = client.post(f"/hooks/tradingview/{calling(user, scope).token}", data=ALERT)
        assert answer.status_code == 403
        assert answer.json is not None
        assert words in answer.json["error"]["message"]
    assert world.count(Signal) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ("", "body"),
        ("hello", "body"),
        ("symbol=FOOBUSD\nside=buy", "symbol"),
        ("symbol=BTCUSDT", "direction"),
        ("symbol=BTCUSDT\nside=buy\nsl=NaN", "sl"),
        ("symbol=BTCUSDT\nside=buy\nsl=", "sl"),
        ("symbol=BTCUSDT\nside=buy\nquantity=1", "quantity"),
        ("symbol=BTCUSDT\nside=buy\nprice=1,5", "open_price"),
        ('{"symbol": "BTCUSDT", "side": "buy", "sl": NaN}', "sl"),
        ('["symbol"]', "body"),
        (b"symbol=\xff\xfe", "body"),
        (b"symbol=BTC\x00USDT\nside=buy", "body"),
    ],
)
def test_bad_alert_is_refused_with_a_reason_and_nothing_is_stored(
    client: FlaskClient, hook: str, body: str | bytes, field: str
) -> None:
    answer = client.post(hook, data=body)
    assert answer.status_code == 422
    assert answer.json is not None
    assert list(answer.json["error"]["fields"]) == [field]
    assert world.count(Signal) == 0


def test_get_on_the_hook_is_refused_and_changes_nothing(client: FlaskClient, hook: str) -> None:
    answer = client.get(hook)
    assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"OPTIONS", "POST"})
    assert world.count(Signal) == 0


def test_neither_token_nor_body_is_logged(
    client: FlaskClient, hook: str, as_admin: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.post(hook, data=ALERT + "\nsecret=canary-in-the-body")
    client.post(hook, data='{"passphrase": "canary-in-the-body"')
    client.post(hook, data=ALERT)
    assert world.count(Signal) == 1
    assert "canary-in-the-body" not in caplog.text
    assert as_admin.token not in caplog.text
