"""S7 and S38: a session that was left open is not enough for keys, limits, people and tokens, and nothing
typed is lost on the way."""

import re
import time

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from portal.db import db
from portal.models import ApiToken, ExecutionConnection, TradingPreset, User
from portal.web import security_fresh, throttle
from tests import world
from tests.people import PASSWORD, person
from tests.visiting import Visitor, visit

NEW = {
    "name": "My account", "exchange_name": "bybit", "mode": "paper", "preset": "",
    "apiKey": "canary-key-1", "secret": "canary-secret-1",
}  # fmt: skip


def stale(app: Flask, user: User, seconds: int = 7200) -> Visitor:
    """Somebody who logged in a while ago."""
    visitor = visit(app, user)
    with visitor.client.session_transaction() as session:
        session["fs_paa"] = time.time() - seconds
    return visitor


def confirm(visitor: Visitor, path: str, asked: TestResponse, password: str = PASSWORD) -> TestResponse:
    assert asked.status_code == 401
    assert "Confirm that it is you" in asked.text
    found = re.search(r'name="confirm_held" value="(\w+)"', asked.text)
    assert found
    return visitor.post(path, {"confirm_held": found[1], "confirm_password": password})


def test_s07_form_when_the_login_is_old_then_is_carried_out_as_typed_after_the_password(
    app: Flask, alice: User
) -> None:
    visitor = stale(app, alice)
    asked = visitor.post("/connections/new", NEW)
    assert "canary" not in asked.text
    assert world.count(ExecutionConnection) == 0
    assert confirm(visitor, "/connections/new", asked).status_code == 302
    made = db.session.scalars(sa.select(ExecutionConnection)).one()
    assert (made.name, made.get_credential("secret")) == ("My account", "canary-secret-1")
    # From now on nobody is asked for a while.
    assert visitor.post("/connections/new", NEW | {"name": "Second"}).status_code == 302


def test_s07_form_when_the_password_is_wrong_then_is_kept_and_not_carried_out(
    app: Flask, alice: User
) -> None:
    visitor = stale(app, alice)
    asked = visitor.post("/connections/new", NEW)
    again = confirm(visitor, "/connections/new", asked, "wrong")
    assert world.count(ExecutionConnection) == 0
    assert "Invalid password" in again.text
    assert confirm(visitor, "/connections/new", again).status_code == 302
    assert world.count(ExecutionConnection) == 1


def test_s07_kept_form_when_taken_up_elsewhere_or_twice_then_does_nothing(app: Flask, alice: User) -> None:
    visitor = stale(app, alice)
    asked = visitor.post("/connections/new", NEW)
    bob = person("bob@example.org")
    assert confirm(visit(app, bob), "/connections/new", asked).status_code == 409
    assert confirm(visitor, "/connections/new", asked).status_code == 409
    assert world.count(ExecutionConnection) == 0


def test_s07_kept_form_when_looked_for_in_redis_then_is_unreadable(app: Flask, alice: User) -> None:
    stale(app, alice).post("/connections/new", NEW)
    redis = app.extensions["portal_redis"]
    (key,) = redis.keys("portal:held:*")
    assert b"canary" not in redis.get(key)
    assert 0 < redis.ttl(key) <= 900


def test_s07_password_when_guessed_with_a_stolen_session_then_is_stopped(app: Flask, alice: User) -> None:
    visitor = stale(app, alice)
    for _ in range(throttle.PER_ACCOUNT_AND_ADDRESS):
        visitor.post("/verify", {"password": "guess"})
    assert "Too many wrong passwords" in visitor.post("/verify", {"password": PASSWORD}).text
    asked = visitor.post("/connections/new", NEW)
    assert "Too many wrong passwords" in confirm(visitor, "/connections/new", asked).text
    assert world.count(ExecutionConnection) == 0


@pytest.mark.usefixtures("redis_away")
def test_s07_form_when_it_cannot_be_kept_then_the_password_is_asked_for_all_the_same(
    app: Flask, alice: User
) -> None:
    assert stale(app, alice).post("/connections/new", NEW).location.startswith("/verify")
    assert world.count(ExecutionConnection) == 0


def test_s07_token_when_made_with_an_old_login_then_asks_and_is_shown_once(app: Flask, alice: User) -> None:
    visitor = stale(app, alice)
    form = {"name": "Alerts", "scopes": ["signals:write", "read"]}
    asked = visitor.post("/account/tokens", form)
    assert world.count(ApiToken) == 0
    page = confirm(visitor, "/account/tokens", asked).text
    (raw,) = re.findall(r"ptc_[\w-]{40,}", page)
    token = db.session.scalars(sa.select(ApiToken)).one()
    assert (token.token_hash, token.scopes) == (ApiToken.hash(raw), ["signals:write", "read"])
    assert raw not in visitor.get("/account").text
    assert visitor.post(f"/account/tokens/{token.id}/revoke").location == "/account"
    db.session.refresh(token)
    assert token.revoked_at is not None


def test_s07_token_of_somebody_else_when_revoked_then_is_not_found(
    app: Flask, alice: User, admin: User
) -> None:
    owner = visit(app, admin)
    owner.post("/account/tokens", {"name": "Mine", "scopes": ["read"]})
    number = db.session.scalars(sa.select(ApiToken.id)).one()
    assert visit(app, alice).post(f"/account/tokens/{number}/revoke").status_code == 404
    assert db.session.scalars(sa.select(ApiToken.revoked_at)).one() is None


@pytest.mark.parametrize("path", sorted(security_fresh.ASKED_BEFORE | security_fresh.ASKED_WHEN_SENT))
def test_s07_every_guarded_page_exists_and_asks_when_the_login_is_old(
    app: Flask, admin: User, path: str
) -> None:
    (rule,) = [rule for rule in app.url_map.iter_rules() if rule.endpoint == path and "POST" in rule.methods]
    with app.test_request_context():
        url = app.url_map.bind("localhost").build(path, dict.fromkeys(rule.arguments, 1), method="POST")
    visitor = stale(app, admin)
    answer = visitor.post(url, {"anything": "typed"})
    assert answer.status_code == 401
    assert "Confirm that it is you" in answer.text
    if path in security_fresh.ASKED_BEFORE:
        assert visitor.get(url).location.startswith("/verify")


def test_s38_limit_when_raised_with_an_old_login_then_needs_the_password(app: Flask, admin: User) -> None:
    preset = world.save(TradingPreset(name="Small", owner_id=admin.id, max_open_positions=2))
    visitor = stale(app, admin)
    path = f"/admin/presets/edit/?id={preset.id}"
    shown = visitor.get(path).text
    form = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', shown))
    form.pop("csrf_token", None)
    asked = visitor.post(path, form | {"name": "Small", "max_open_positions": "50"})
    assert asked.status_code == 401
    db.session.refresh(preset)
    assert preset.max_open_positions == 2


def test_s07_stranger_when_asking_for_a_guarded_page_then_is_sent_to_the_login(
    app: Flask, alice: User
) -> None:
    visitor = visit(app)
    assert visitor.get("/connections/new").location.startswith("/login")
    assert visitor.post("/connections/new", NEW).location.startswith("/login")
    assert world.count(ExecutionConnection) == 0
