"""Bad input in every form of every page: never a broken page, what was typed stays, and a reason is given.
Forms are found, not listed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from portal.db import db
from portal.models import AuditEntry, Execution, Signal, User
from tests import world
from tests.security import tenants
from tests.security.routes import TOKEN_BLUEPRINTS, Route, routes
from tests.visiting import Visitor, visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

HOSTILE = {
    "markup": "<script>alert('x')</script>\"'>",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "line breaks": "a\r\nSet-Cookie: x=1\r\n\r\nb",
    "right to left": "\u202eevil\u2066\u200f\u061c.exe",
    "emoji": "👩‍👩‍👧‍👦🏴‍☠️" * 20,
    "control characters": "\x01\x08\x1b[31m\x7f\ufffe",
    "long": "x" * 100_000,
    "number": "1" * 400,
    "exponent": "1e999999",
    "sql": "'; DROP TABLE users; --",
    "empty": "",
    "spaces": " \t\u00a0\u2003 ",
}  # fmt: skip
#: What a person types into.
TYPED = frozenset({
    "text", "textarea", "search", "email", "url", "number", "datetime-local", "date", "time", "tel",
    "password",
})  # fmt: skip
#: They do not give back what was typed, on purpose.
_NEVER_SHOWN = {"password", "hidden", "submit", "checkbox", "radio", "file", "select"}


@dataclass
class Form:
    """One form of a page: where it goes, and its fields by name with kind and value."""

    action: str
    method: str
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)


class Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in pairs}
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif self.found and tag in {"input", "textarea", "select"} and given.get("name"):
            kind = given.get("type", "text") if tag == "input" else tag
            self.found[-1].fields.setdefault(given["name"], (kind, given.get("value", "")))
            self._select = given["name"] if tag == "select" else ""
        elif self.found and tag == "option" and self._select and given.get("value"):
            kind, value = self.found[-1].fields[self._select]
            self.found[-1].fields[self._select] = (kind, value or given["value"])


def forms_of(visitor: Visitor, route: Route) -> list[Form]:
    answer = visitor.get(route.path)
    if answer.status_code != 200 or "html" not in answer.content_type:
        return []
    parser = Forms()
    parser.feed(answer.text)
    here = route.path.partition("?")[0]
    return [
        form
        for form in parser.found
        if form.method == "post"
        and (not form.action or form.action.partition("?")[0] == here)
        # Buttons alone take no input.
        and any(kind in TYPED for kind, _ in form.fields.values())
    ]


def fill(form: Form, text: str) -> dict[str, str]:
    return {
        name: text if kind in TYPED else value
        for name, (kind, value) in form.fields.items()
        if kind != "checkbox"
    }


def pages_with_forms(app: Flask, ids: dict[str, int]) -> list[Route]:
    ours = routes(app, ids)
    posted = {route.rule for route in ours if route.method == "POST"}
    return [
        route
        for route in ours
        if route.method == "GET" and route.rule in posted and route.blueprint not in TOKEN_BLUEPRINTS
    ]


@pytest.mark.parametrize("kind", HOSTILE)
def test_bad_input_in_every_form_breaks_nothing_and_is_given_back_with_a_reason(
    app: Flask, alice: User, admin: User, kind: str
) -> None:
    ids = tenants.settle(alice, admin, "alice")
    wrong, tried = [], 0
    for route in pages_with_forms(app, ids):
        person = visit(app, admin if route.is_admin else alice)
        for form in forms_of(person, route):
            sent = fill(form, HOSTILE[kind])
            answer = person._open(route.path, method="POST", data=sent)
            tried += 1
            wrong += [f"{route}: {each}" for each in complaints(answer, form, HOSTILE[kind])]
    assert tried >= 15
    assert wrong == []


def complaints(answer: TestResponse, form: Form, text: str) -> list[str]:
    if answer.status_code >= 500:
        return [f"answered {answer.status_code}"]
    if answer.status_code not in {200, 422} or "shown once" in answer.text:
        return []  # taken, or refused as a whole
    shown = Forms()
    shown.feed(answer.text)
    fields = {name: each for form in shown.found for name, each in form.fields.items()}
    found = []
    if "error" not in answer.text and 'class="notice' not in answer.text:
        found.append("refused without a reason")
    typed = [name for name, (kind, _) in form.fields.items() if kind not in _NEVER_SHOWN | {"textarea"}]
    for name in typed:
        if (
            name in fields
            and text.strip()
            and fields[name][1].strip() not in {text.strip(), text.strip().lower()}
        ):
            found.append(f"lost what was typed into {name}: {fields[name][1][:40]!r}")
    return found


def test_nul_in_every_form_is_refused_with_a_page_and_nothing_happens(
    app: Flask, alice: User, admin: User
) -> None:
    ids = tenants.settle(alice, admin, "alice")
    before = world.count(AuditEntry)
    for route in pages_with_forms(app, ids):
        person = visit(app, admin if route.is_admin else alice)
        for form in forms_of(person, route):
            answer = person._open(route.path, method="POST", data=fill(form, "a\x00b"))
            assert answer.status_code == 400, route
            assert "Nothing was changed" in answer.text
    assert world.count(AuditEntry) == before


def test_body_of_more_than_a_megabyte_is_refused_with_a_page_on_every_form(
    app: Flask, alice: User, admin: User
) -> None:
    ids = tenants.settle(alice, admin, "alice")
    for route in pages_with_forms(app, ids):
        person = visit(app, admin if route.is_admin else alice)
        answer = person.post_bare(route.path, {"name": "x" * 1_100_000})
        assert answer.status_code == 413, route
        assert "larger than 1 MB" in answer.text


def test_stale_form_token_gives_a_page_that_says_what_happened_on_every_form(
    app: Flask, alice: User, admin: User
) -> None:
    ids = tenants.settle(alice, admin, "alice")
    old = visit(app, alice).token()
    for route in pages_with_forms(app, ids):
        person = visit(app, admin if route.is_admin else alice)
        person.get(route.path)
        answer = person.post_bare(route.path, {"csrf_token": old, "name": "x"})
        assert answer.status_code == 400, route
        assert "<h1>" in answer.text
        assert "Nothing was changed" in answer.text


def press_at_once(app: Flask, person: User, path: str, data: dict[str, str]) -> list[int]:
    """A double click, and six more."""
    visitors = [visit(app, person) for _ in range(8)]
    sent = [{"csrf_token": visitor.token(), **data} for visitor in visitors]
    db.session.remove()

    def press(number: int) -> int:
        with app.app_context():
            return visitors[number]._open(path, method="POST", data=sent[number]).status_code

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(press, range(8)))


def test_publish_when_pressed_eight_times_at_once_publishes_once(app: Flask, admin: User) -> None:
    world.make_connection(admin)
    signal_id = world.make_signal(admin).id
    statuses = press_at_once(app, admin, f"/admin/signals/publish/{signal_id}", {})
    assert set(statuses) <= {302, 409}
    assert db.session.get_one(Signal, signal_id).is_published
    assert world.count(Execution) == 1
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert actions.count("portal.signal.published") == 1


def test_close_when_pressed_eight_times_at_once_is_asked_for_once(app: Flask, alice: User) -> None:
    position_id = world.make_position(world.make_connection(alice)).id
    statuses = press_at_once(app, alice, f"/positions/{position_id}/close", {})
    assert set(statuses) <= {302, 409}
    actions = db.session.scalars(sa.select(AuditEntry.action)).all()
    assert len([action for action in actions if "close" in action]) == 1
    assert app.extensions["portal_redis"].llen("rq:queue:exits") == 1
