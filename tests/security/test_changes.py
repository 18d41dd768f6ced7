"""What may change something: a POST with the form's own token, and nothing else; only what the form has."""

import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.models import Signal, User
from portal.models.token import SCOPES
from portal.services import tokens
from tests import world
from tests.security import tenants
from tests.security.routes import CHANGING, TOKEN_BLUEPRINTS, Route, routes
from tests.visiting import Visitor, visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

#: What reading may write, and why: when a token or a session was used last, to within a minute.
WRITTEN_BY_READING = {
    "api_tokens": frozenset({"last_used_at"}),
    "user_sessions": frozenset({"last_seen_at", "updated_at"}),
}
#: In Redis: how many calls a token made this minute.
COUNTED_BY_READING = ("portal:rate:",)
#: Nobody may choose these by a form, whatever it is called.
SMUGGLED = {
    "id": "1", "owner_id": "1", "user_id": "1", "admin_id": "1", "is_admin_owned": "y", "is_admin": "y",
    "role": "admin", "roles": "admin", "active": "y", "status": "error", "last_balance": "1000000",
    "fs_uniquifier": "x", "tf_totp_secret": "x", "token_hash": "x", "uid": "x", "is_published": "y",
    "published_at": "2026-01-01", "author_id": "1", "withdrawal_override": "{}", "facts": "{}",
    "scopes": "signals:write", "created_at": "2020-01-01", "realized_pnl": "1000000", "quantity": "1000",
}  # fmt: skip


def redis_state(app: Flask) -> dict[bytes, bytes]:
    redis = app.extensions["portal_redis"]
    return {
        key: redis.dump(key) for key in redis.scan_iter() if not key.decode().startswith(COUNTED_BY_READING)
    }


def everything(app: Flask) -> tuple[dict[str, Any], dict[bytes, bytes]]:
    """Without the entries that say who took a list out of the house, and nothing else of the trail."""
    rows = tenants.state(without=WRITTEN_BY_READING)
    rows["audit_entries"] = [row for row in rows["audit_entries"] if ".exported" not in row]
    # Their numbers and hashes go on.
    rows["audit_entries"] = [json.loads(row)[:8] for row in rows["audit_entries"]]
    rows.pop("audit_heads")
    return rows, redis_state(app)


def changing(app: Flask, ids: dict[str, int]) -> list[Route]:
    return [route for route in routes(app, ids) if route.method in CHANGING]


@pytest.mark.parametrize("who", ["stranger", "trader", "administrator"])
@pytest.mark.parametrize("form_token", ["", "x", "of another session"])
def test_s12_change_when_sent_without_the_forms_token_is_refused_and_nothing_happens(
    app: Flask, alice: User, admin: User, mine: dict[str, int], who: str, form_token: str
) -> None:
    person = {"stranger": None, "trader": alice, "administrator": admin}[who]
    visitor = visit(app, person)
    visitor.get("/login")
    given = visit(app, admin).token() if form_token == "of another session" else form_token
    before = everything(app)
    asked = [route for route in changing(app, mine) if route.blueprint not in TOKEN_BLUEPRINTS]
    assert len(asked) > 60
    odd = {}
    for route in asked:
        row = route.path.rpartition("=")[2]
        data = {"csrf_token": given, "id": row, "rowid": row, "action": "delete", "name": "x", **SMUGGLED}
        answer = visitor.post_bare(route.path, data)
        if answer.status_code != 400:
            odd[str(route)] = answer.status_code
    assert odd == {}
    assert everything(app) == before


def test_s12_route_without_a_form_token_is_one_that_knows_its_caller_by_another_token(
    app: Flask, admin: User, mine: dict[str, int]
) -> None:
    """The cookie alone, which another site could let a browser send, opens none of them."""
    visitor = visit(app, admin)
    before = everything(app)
    asked = [route for route in changing(app, mine) if route.blueprint in TOKEN_BLUEPRINTS]
    assert {route.blueprint for route in asked} == TOKEN_BLUEPRINTS
    for route in asked:
        answer = visitor.open(route.path, method=route.method, json={"currency_pair": "BTC/USDT"})
        assert answer.status_code in {401, 404}, route
    assert everything(app) == before


@pytest.mark.parametrize("who", ["stranger", "trader", "administrator", "token"])
def test_s13_every_address_when_read_twice_changes_nothing(
    app: Flask, alice: User, admin: User, mine: dict[str, int], who: str
) -> None:
    person = {"stranger": None, "trader": alice, "administrator": admin, "token": None}[who]
    token = tokens.create_token(admin, SCOPES, actor="tests") if who == "token" else ""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    visitor = visit(app, person)
    before = everything(app)
    for _ in range(2):
        for route in routes(app, mine):
            if route.method == "GET":
                for method in ("GET", "HEAD"):
                    assert visitor.open(route.path, method=method, headers=headers).status_code < 500, route
    assert everything(app) == before


@pytest.mark.parametrize("who", ["trader", "administrator"])
def test_s13_every_link_of_every_page_when_followed_changes_nothing(
    app: Flask, alice: User, admin: User, mine: dict[str, int], who: str
) -> None:
    visitor = visit(app, {"trader": alice, "administrator": admin}[who])
    before = everything(app)
    seen = list(crawl(visitor, "/admin/" if who == "administrator" else "/"))
    assert len(seen) > 15
    assert {status for _, status in seen} <= {200, 302, 403, 404}, seen
    assert everything(app) == before


def crawl(visitor: Visitor, start: str, *, pages: int = 250) -> Iterator[tuple[str, int]]:
    """Follow the links of pages to pages, each address once, as a search engine would."""
    waiting, known = deque([start]), {start}
    while waiting and pages:
        path = waiting.popleft()
        pages -= 1
        answer = visitor.get(path)
        yield path, answer.status_code
        if "html" not in answer.content_type:
            continue
        for link in re.findall(r'href="([^"#]+)', answer.text):
            target = link.replace("&amp;", "&")
            if urlsplit(target).netloc or not target.startswith("/") or target.startswith("/static/"):
                continue
            if target not in known:
                known.add(target)
                waiting.append(target)


def owners() -> list[tuple[str, list[Any]]]:
    """Who owns what, who is what, and what was decided about it."""
    db.session.rollback()
    names = {
        "id", "owner_id", "user_id", "admin_id", "author_id", "is_admin_owned", "role", "fs_uniquifier",
        "tf_totp_secret", "token_hash", "uid", "is_published", "last_balance", "withdrawal_override",
        "facts", "realized_pnl", "quantity", "scopes", "role_id", "active",
    }  # fmt: skip
    found = []
    for table in db.metadata.sorted_tables:
        columns = [column for column in table.columns if column.name in names]
        if columns and table.name not in {"audit_entries", "audit_heads", "user_sessions"}:
            rows = db.session.execute(sa.select(*columns).order_by(*table.primary_key.columns)).all()
            found.append((table.name, [str(row) for row in rows]))
    db.session.rollback()
    return found


def test_s17_fields_that_a_form_does_not_have_are_ignored_on_every_page_of_a_person(
    app: Flask, alice: User, mine: dict[str, int]
) -> None:
    visitor = visit(app, alice)
    before = owners()
    asked = [
        route
        for route in changing(app, mine)
        if not route.is_admin
        and route.blueprint not in {"security", *TOKEN_BLUEPRINTS}
        # These make or end something of one's own; they have tests with such fields by themselves.
        and not re.search(r"new$|end|revoke|delete|remove|tokens", route.rule)
    ]
    assert len(asked) >= 6
    for route in asked:
        data = {
            **SMUGGLED,
            "name": "Renamed",
            "preset": "",
            "to": "on",
            "apiKey": "k" * 20,
            "secret": "s" * 20,
        }
        assert visitor.post(route.path, data).status_code < 500, route
    after = dict(owners())
    # New lines of the log may come; what was there is as it was.
    assert [name for name, rows in before if not set(rows) <= set(after[name])] == []


def test_s17_new_row_belongs_to_who_made_it_whatever_the_form_said(
    app: Flask, alice: User, admin: User
) -> None:
    data = {
        **SMUGGLED, "user_id": str(admin.id), "admin_id": str(admin.id), "name": "Mine", "mode": "paper",
        "exchange_name": "bybit", "preset": "", "apiKey": "k" * 20, "secret": "s" * 20,
    }  # fmt: skip
    assert visit(app, alice).post("/connections/new", data).status_code == 302
    db.session.rollback()
    row = db.session.execute(
        sa.text(
            "SELECT user_id, admin_id, is_admin_owned, status, last_balance, withdrawal_override"
            " FROM execution_connections"
        )
    ).one()
    assert tuple(row)[:3] == (alice.id, None, False)
    assert row.status != "error"
    assert row.withdrawal_override is None
    assert not row.last_balance


@pytest.mark.parametrize("field", sorted(SMUGGLED))
def test_s17_signal_with_a_field_that_nobody_reads_is_refused(app: Flask, admin: User, field: str) -> None:
    token = tokens.create_token(admin, SCOPES, actor="tests")
    answer = visit(app).open(
        "/api/v1/signals",
        method="POST",
        headers={"Authorization": f"Bearer {token}"},
        json={"currency_pair": "BTC/USDT", "direction": "buy", field: SMUGGLED[field]},
    )
    assert answer.status_code == 422
    assert answer.json is not None
    assert field in answer.json["error"]["fields"]
    assert world.count(Signal) == 0
