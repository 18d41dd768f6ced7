"""Everybody sees their own and nothing else: every route, every method, every kind of caller, with the ids of
somebody else's rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from portal.db import db
from portal.models import User
from portal.models.token import SCOPES
from portal.services import tokens
from portal.web import scoping
from tests import world
from tests.security import tenants
from tests.security.routes import CHANGING, TOKEN_BLUEPRINTS, Route, routes
from tests.visiting import Visitor, visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

CANARY = "bobs-canary"
#: What an address says to somebody who may not go there; 405 where the method does not exist.
REFUSED = {302, 400, 401, 403, 404, 405}
#: When somebody was seen last; written by reading.
SEEN = {
    "api_tokens": frozenset({"last_used_at"}), "user_sessions": frozenset({"last_seen_at", "updated_at"}),
}  # fmt: skip


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: a browser, or a program with a token."""

    name: str
    visitor: Visitor
    token: str = ""

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return self.visitor.open(path, method=method, headers=headers, **options)

    def try_to(self, route: Route, form_token: str) -> TestResponse:
        if route.method == "GET":
            return self.ask("GET", route.path)
        if route.blueprint in TOKEN_BLUEPRINTS:
            return self.ask(route.method, route.path, json={})
        row = route.path.rpartition("=")[2]
        data = {"csrf_token": form_token, "id": row, "rowid": row, "to": "off", "name": "taken over"}
        return self.ask(route.method, route.path, data=data)


@pytest.fixture
def bobs(app: Flask, admin: User) -> dict[str, int]:
    """Everything of Bob's."""
    bob = world.make_user(f"{CANARY}@example.org", name=f"{CANARY} name")
    return tenants.settle(bob, admin, CANARY)


def leaks(app: Flask, caller: Caller, all_routes: list[Route]) -> Iterator[str]:
    """What `caller` was told of Bob, or could do to him."""
    form_token = caller.visitor.token() if not caller.token else ""
    for route in all_routes:
        if route.endpoint == "security.logout":
            continue
        answer = caller.try_to(route, form_token)
        if CANARY in answer.text or CANARY in str(answer.headers):
            yield f"{caller.name}, {route}: shows the canary ({answer.status_code})"
        if answer.status_code >= 500:
            yield f"{caller.name}, {route}: {answer.status_code}"
        if route.names_a_row and answer.status_code not in REFUSED:
            yield f"{caller.name}, {route}: answered {answer.status_code} for somebody else's row"


def test_s14_world_of_bob_has_a_row_in_every_table_that_can_belong_to_somebody(bobs: dict[str, int]) -> None:
    bob = db.session.scalars(sa.select(User.id).where(User.name == f"{CANARY} name")).one()
    empty = [
        table.name
        for table in tenants.owned_tables()
        if not db.session.scalar(sa.select(sa.func.count()).where(tenants._owner_column(table) == bob))
    ]
    assert empty == []
    assert len(tenants.owned_tables()) >= 8


@pytest.mark.parametrize("who", ["stranger", "trader", "trader's token", "trader's reading token"])
def test_s14_route_when_asked_for_somebody_elses_row_by_anybody_gives_nothing_and_changes_nothing(
    app: Flask, alice: User, bobs: dict[str, int], who: str
) -> None:
    scopes = {"trader's token": SCOPES, "trader's reading token": ("read",)}.get(who)
    token = tokens.create_token(alice, scopes, actor="tests") if scopes else ""
    caller = Caller(who, visit(app, alice if who == "trader" else None), token)
    ours = routes(app, bobs)
    assert len(ours) > 200
    # What has no row in its address changes the caller's own: the next test looks at those.
    asked = [route for route in ours if route.names_a_row or route.method == "GET"]
    assert {route.blueprint for route in asked} > {"connections", "positions", "executions", "api"}
    before = tenants.state(without=SEEN)
    assert list(leaks(app, caller, asked)) == []
    after = tenants.state(without=SEEN)
    assert {name for name in after if after[name] != before[name]} == set()


def test_s14_page_when_an_administrator_asks_for_a_traders_row_is_not_found_either(
    app: Flask, admin: User, bobs: dict[str, int]
) -> None:
    caller = Caller("administrator", visit(app, admin))
    pages = [
        route
        for route in routes(app, bobs)
        if not route.is_admin and route.blueprint not in TOKEN_BLUEPRINTS and route.names_a_row
    ]
    before = tenants.state(without=SEEN)
    assert list(leaks(app, caller, pages)) == []
    assert tenants.state(without=SEEN) == before


@pytest.mark.parametrize("face", ["pages", "api"])
def test_s15_leaks_are_found_when_the_one_owner_filter_is_taken_away(
    app: Flask, alice: User, bobs: dict[str, int], monkeypatch: pytest.MonkeyPatch, face: str
) -> None:
    """The tests above see through a filter that does not filter, and there is no second one."""
    monkeypatch.setattr(scoping, "_is_owner", lambda _user, _model: sa.true())
    token = tokens.create_token(alice, SCOPES, actor="tests") if face == "api" else ""
    caller = Caller("trader", visit(app, None if token else alice), token)
    asked = [
        route
        for route in routes(app, bobs)
        if route.method == "GET" and not route.is_admin and (route.blueprint == "api") == (face == "api")
    ]
    found = "\n".join(leaks(app, caller, asked))
    for noun in {"pages": ("connection", "execution", "position"), "api": ("connections", "positions")}[face]:
        assert noun in found, found


@pytest.mark.parametrize("who", ["stranger", "trader", "administrator"])
def test_s16_every_route_and_method_answers_each_role_as_it_should(
    app: Flask, alice: User, admin: User, bobs: dict[str, int], who: str
) -> None:
    person = {"stranger": None, "trader": alice, "administrator": admin}[who]
    visitor = visit(app, person)
    form_token = visitor.token()
    wrong = []
    for route in routes(app, bobs):
        if route.blueprint in {"security", "ops", *TOKEN_BLUEPRINTS}:
            continue
        caller = Caller(who, visitor)
        status = caller.try_to(route, form_token).status_code
        if status not in _expected(route, who):
            wrong.append(f"{route}: {status}")
    assert wrong == []


def _expected(route: Route, who: str) -> set[int]:
    if "<token>" in route.rule:
        return {404}  # a link that is its own key, and this one is no link
    if who == "stranger":
        return {302, 401} if route.method == "GET" or not route.is_admin else {302, 401, 403}
    if route.is_admin and who == "trader":
        return {403}
    if route.names_a_row and not route.is_admin:
        return {404}
    return {200, 302, 404, 409, 422}


@pytest.mark.parametrize("scope", [*SCOPES, "none", "cookie"])
def test_s16_api_when_called_with_each_scope_opens_what_the_scope_says_and_nothing_else(
    app: Flask, alice: User, bobs: dict[str, int], scope: str
) -> None:
    token = tokens.create_token(alice, [scope], actor="tests") if scope in SCOPES else ""
    caller = Caller(scope, visit(app, alice if scope == "cookie" else None), token)
    wrong = []
    for route in routes(app, bobs):
        if route.blueprint != "api":
            continue
        needed = getattr(app.view_functions[route.endpoint], "portal_scope", None)
        status = caller.try_to(route, "").status_code
        if needed == "public":
            fits = status == 200
        elif not token:
            fits = status == 401
        else:
            fits = status == 403 if needed != scope else status in {200, 403, 404, 422}
        if not fits:
            wrong.append(f"{route} needs {needed}: {status}")
    assert wrong == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "X"])
def test_s16_method_that_no_route_has_is_refused_everywhere(
    app: Flask, admin: User, bobs: dict[str, int], method: str
) -> None:
    caller = Caller("administrator", visit(app, admin))
    ours = routes(app, bobs)
    assert {route.method for route in ours} <= {"GET", *CHANGING}
    allowed = {(route.method, route.rule) for route in ours}
    paths = {route.rule: route.path for route in ours if (method, route.rule) not in allowed}
    odd = {rule: caller.ask(method, path).status_code for rule, path in paths.items()}
    assert {rule: status for rule, status in odd.items() if status not in {400, 405}} == {}
