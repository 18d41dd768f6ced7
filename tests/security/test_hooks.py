"""The webhook, which the whole internet can reach: whatever is sent, it answers with a reason and stores
nothing it should not."""

import json
import string
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.api.bodies import MAX_BYTES
from portal.db import db, utcnow
from portal.models import ApiToken, Signal, User
from portal.models.token import SCOPES
from portal.services import tokens
from tests import world

ALERT = {"symbol": "BTCUSDT", "side": "buy"}
NAMES = st.sampled_from([
    "symbol", "side", "action", "price", "sl", "tp", "tp1", "id", "plans", "publish", "expires_at", "order",
    "market_type", "tif", "timenow", "comment", "quantity", "", "__proto__", "a" * 300,
])  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
    | st.sampled_from(["BTCUSDT", "buy", "sell", "1e400", "-0", "NaN", "2026-01-01", "limit", "<script>"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=400).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.dictionaries(NAMES, VALUES, max_size=8).map(lambda body: json.dumps(body).encode()),
    st.dictionaries(NAMES, VALUES, max_size=8).map(lambda more: json.dumps(ALERT | more).encode()),
    st.lists(st.tuples(NAMES, st.text(string.printable, max_size=30)), max_size=8).map(
        lambda pairs: "\n".join(f"{name}={value}" for name, value in pairs).encode()
    ),
)


@pytest.fixture
def hook(app: Flask, admin: User) -> str:
    return f"/hooks/tradingview/{tokens.create_token(admin, SCOPES, actor='tests')}"


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(
    body=BODIES,
    content_type=st.sampled_from(["text/plain", "application/json", "", "multipart/form-data; x"]),
)
def test_s28_webhook_when_anything_is_sent_answers_with_a_status_of_its_own(
    hook: str, client: FlaskClient, body: bytes, content_type: str
) -> None:
    client.application.extensions["portal_redis"].flushdb()
    answer = client.post(hook, data=body, content_type=content_type)
    assert answer.status_code in {200, 201, 400, 409, 413, 422}, (answer.status_code, body)
    assert answer.is_json
    if answer.status_code >= 400:
        assert answer.json is not None
        assert answer.json["error"]["message"]


@pytest.mark.parametrize("key", [[], {}, [1], {"a": 1}, 1, True, 0.5])
def test_s28_key_that_is_no_text_is_refused_at_its_name(hook: str, client: FlaskClient, key: object) -> None:
    for headers in ({}, {"Idempotency-Key": "k1"}):
        answer = client.post(hook, data=json.dumps(ALERT | {"id": key}), headers=headers)
        assert answer.status_code == 422
        assert answer.json is not None
        assert "dedupe_key" in answer.json["error"]["fields"]
    assert world.count(Signal) == 0


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 1024 * 1024, 5 * 1024 * 1024])
@pytest.mark.parametrize("token", ["right", "wrong"])
def test_s28_body_when_larger_than_16_kb_is_refused_whoever_sends_it(
    hook: str, client: FlaskClient, size: int, token: str
) -> None:
    address = hook if token == "right" else "/hooks/tradingview/ptc_wrong"
    answer = client.post(address, data=b"symbol=BTCUSDT\nside=buy\ncomment=" + b"x" * size)
    assert answer.status_code == 413
    assert world.count(Signal) == 0


def test_s28_body_of_exactly_16_kb_is_read(hook: str, client: FlaskClient) -> None:
    start = b"symbol=BTCUSDT\nside=buy\ncomment="
    assert client.post(hook, data=start + b"x" * (MAX_BYTES - len(start))).status_code == 201


def test_s28_token_is_stored_as_a_hash_and_found_by_it_alone(hook: str, admin: User) -> None:
    """Looking up a hash takes as long for a token that shares its first characters as for any other: nothing
    of the token itself is ever compared."""
    raw = hook.rpartition("/")[2]
    stored = db.session.query(ApiToken).one()
    assert len(raw) >= 43
    values: dict[str, Any] = {name: value for name, value in vars(stored).items() if isinstance(value, str)}
    assert not [name for name, value in values.items() if raw in value]
    assert len(stored.prefix) <= 10
    assert tokens.authenticate(stored.prefix) is None
    assert tokens.authenticate(stored.token_hash) is None
    for place in range(len(raw)):
        other = "A" if raw[place] != "A" else "B"
        assert tokens.authenticate(raw[:place] + other + raw[place + 1 :]) is None


def test_s28_alert_when_replayed_is_the_signal_it_was_and_trades_once(hook: str, client: FlaskClient) -> None:
    body = json.dumps(ALERT | {"timenow": utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")})
    answers = [client.post(hook, data=body) for _ in range(5)]
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    assert world.count(Signal) == 1
