"""Bad input in every form of every page: never a broken page, never half a change, what was typed stays, a
reason stands at the field. Forms are found, not listed; one world for all."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.models import Signal, User
from portal.models.token import SCOPES
from portal.services import tokens
from portal.web import kept_forms
from tests import world
from tests.security import tenants
from tests.security.forms import Form, all_forms, filled, forms_in
from tests.security.test_stale_forms import OURS
from tests.visiting import Visitor, visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(600)

ALL_FIELDS = {
    "markup": "<script>alert('x')</script>\"'>",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "line breaks": "a\r\nSet-Cookie: x=1\r\n\r\nb",
    "right to left": "\u202eevil\u2066\u200f\u061c.exe",
    "emoji": "👩‍👩‍👧‍👦🏴‍☠️" * 20,
    "control characters": "\x01\x08\x1b[31m\x7f\ufffe",
    "lone surrogate": "a\ud800b\udfffc",
    "long": "x" * 100_000,
    "digits": "1" * 400,
    "sql": "'; DROP TABLE users; --",
    "template": "{{7*7}}${7*7}%s%(x)s{0}",
    "empty": "",
    "spaces": " \t\u00a0\u2003 ",
}  # fmt: skip
#: Sent into one field at a time, with the rest as it was.
ONE_FIELD = (
    "NaN", "sNaN", "Infinity", "1e999", "-1e999", "1e-999", "-0", "-1", "١٢٣", "１２３", "1_000", "0x10",
    "1e5", "²", "9" * 30, "0001-01-01T00:00", "9999-12-31T23:59", "2031-02-30T00:00", "+10000-01-01",
    "99:99", "null", "[]",
)  # fmt: skip
#: What must not reach a person: the insides of a language or a database.
INSIDES = re.compile(
    r"Traceback|psycopg|sqlalchemy|invalid literal|InvalidOperation|\[<class|NoneType|object has no"
)
NO_PAGE = frozenset({"checkbox", "hidden", "submit", "radio", "file", "select", "password"})


class World:
    """Everybody's rows, everybody's forms, and what is stored."""

    def __init__(self, app: Flask, alice: User, admin: User) -> None:
        ids = tenants.settle(alice, admin, "alice")
        forms = [(user, form) for user, form in all_forms(app, ids, alice, admin) if form.typed]
        self.visitors = {user.id: visit(app, user) for user, _ in forms}
        self.tokens = {key: visitor.token() for key, visitor in self.visitors.items()}
        self.forms = [(user.id, form) for user, form in forms]
        self.wrong: list[str] = []
        self.sent = 0

    def send(self, user_id: int, form: Form, data: dict[str, Any]) -> Any:
        """One form, as a browser encodes it; a lone surrogate as bytes that are no UTF-8."""
        body = urlencode({"csrf_token": self.tokens[user_id], **data}, doseq=True, errors="surrogatepass")
        self.sent += 1
        return self.visitors[user_id].open(
            form.action, method="POST", data=body, content_type="application/x-www-form-urlencoded"
        )

    def fingerprint(self) -> str:
        """Changes with every row of every table; sessions remember when they were used."""
        db.session.rollback()
        parts = [
            f"(SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {table.name} t)"
            for table in db.metadata.sorted_tables
            if table.name not in {"user_sessions", "audit_entries", "audit_heads"}
        ]
        found = db.session.execute(sa.text(f"SELECT {' || '.join(parts)}")).scalar_one()
        db.session.rollback()
        return str(found)


@pytest.fixture
def everyone(app: Flask, alice: User, admin: User) -> Iterator[World]:
    found = World(app, alice, admin)
    assert len(found.forms) >= 20
    yield found
    assert not found.wrong, "\n".join(["", *found.wrong])


def test_bad_input_in_all_fields_of_every_form_breaks_nothing_and_is_given_back_with_a_reason(
    everyone: World,
) -> None:
    for user_id, form in everyone.forms:
        before = everyone.fingerprint()
        for kind, text in ALL_FIELDS.items():
            data = filled(form, text)
            answer = everyone.send(user_id, form, data)
            place = f"{form} with {kind}"
            everyone.wrong += [f"{place}: {each}" for each in complaints(answer, form, data)]
            now = everyone.fingerprint()
            if answer.status_code >= 400 and now != before:
                everyone.wrong.append(f"{place}: refused, and something was stored")
            before = now
            if kind == "long" and answer.status_code == 302:
                everyone.wrong.append(f"{place}: 100,000 characters were taken")


def test_bad_number_or_date_in_one_field_of_every_form_is_refused_or_means_what_it_says(
    everyone: World,
) -> None:
    number = 0
    for user_id, form in everyone.forms:
        for name in form.typed:
            # Each field meets some of them; together the fields meet all, many times.
            number += 1
            for text in ONE_FIELD[number % 5 :: 5]:
                data = form.unchanged() | {name: text}
                answer = everyone.send(user_id, form, data)
                everyone.wrong += [
                    f"{form}, {name}={text}: {each}" for each in complaints(answer, form, data)
                ]
    assert everyone.sent > 300
    assert not_numbers() == []


def complaints(answer: Any, form: Form, sent: dict[str, Any]) -> list[str]:
    if answer.status_code >= 500:
        return [f"answered {answer.status_code}"]
    page = answer.text
    found = [f"reflects {sign}" for sign in ("<script>alert", "Set-Cookie: x=1\r\n\r\n<") if sign in page]
    if answer.headers.get("Set-Cookie", "").startswith("x=1"):
        found.append("takes a header from the form")
    if answer.status_code not in {200, 422} or "shown once" in page:
        return found
    if INSIDES.search(re.sub(r"<(input|textarea).*?>|<textarea.*?</textarea>", "", page, flags=re.S)):
        found.append(f"shows insides: {INSIDES.search(page)}")
    if "field-error" not in page and not re.search(r'class="notice (bad|warn)', page):
        found.append("refused without a reason")
    for raw in re.findall(r'<p class="notice[^>]*>\s*(\w+)(?:: )', page):
        if "_" in raw or raw in form.fields:
            found.append(f"names the field {raw} as the code does")
    if form.action == "/wan-register" and answer.status_code == 200:
        return found  # taken: the next step is the device's
    return found + lost(page, form, sent)


def lost(page: str, form: Form, sent: dict[str, Any]) -> list[str]:
    again = [
        each
        for each in forms_in(form.action, page)
        if set(each.fields) >= set(form.typed)
        and each.fields.keys() - {"csrf_token"}
        and each.action == form.action
    ]
    if not again:
        return ["does not give the form back"]
    found = []
    for name in form.typed:
        kind, value = again[0].fields[name]
        text = str(sent[name])
        if "\ud800" in text:
            continue  # no browser sends one; it is read as something else
        if kind in NO_PAGE or kept_forms.is_secret(name):
            if value:
                found.append(f"puts the secret {name} back into the page")
        elif kind == "textarea":
            # A parser of tags does not see its text.
            if text.strip() and html.escape(text.strip()[:60], quote=False)[:40] not in html.escape(
                html.unescape(page), quote=False
            ):
                found.append(f"lost the text of {name}")
        elif text.strip() and value.strip() not in {text.strip(), text.strip().lower()}:
            found.append(f"lost what was typed into {name}: {value[:40]!r}")
    return found


def not_numbers() -> list[str]:
    """Where the database holds a number that is none."""
    db.session.rollback()
    found = []
    for table in db.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, sa.Numeric) and not isinstance(column.type, sa.Float):
                odd = sa.cast(column, sa.Text).in_(["NaN", "Infinity", "-Infinity"])
                if db.session.scalar(sa.select(sa.func.count()).select_from(table).where(odd)):
                    found.append(str(column))
    return found


def test_huge_forms_are_refused_or_read_and_change_nothing(everyone: World) -> None:
    """A field just below the limit, one above it, and ten thousand fields."""
    for user_id, form in everyone.forms:
        before = everyone.fingerprint()
        huge = filled(form, "x") | {form.typed[0]: "x" * 900_000}
        many = {f"field{number}": "x" for number in range(10_000)}
        above = everyone.send(user_id, form, {form.typed[0]: "x" * 1_100_000})
        answers = [everyone.send(user_id, form, huge), everyone.send(user_id, form, many)]
        if above.status_code != 413 or "larger than 1 MB" not in above.text:
            everyone.wrong.append(f"{form}: {above.status_code} above the limit")
        everyone.wrong += [f"{form}: {each.status_code}" for each in answers if each.status_code >= 500]
        if answers[0].status_code == 302 and not answers[0].location.startswith("/login"):
            everyone.wrong.append(f"{form}: took 900,000 characters")
        refused = all(each.status_code != 302 for each in answers)
        if refused and everyone.fingerprint() != before:
            everyone.wrong.append(f"{form}: something was stored")


def test_nul_in_every_form_is_refused_with_a_page_that_gives_the_form_back(everyone: World) -> None:
    before, kept = everyone.fingerprint(), 0
    for user_id, form in everyone.forms:
        person: Visitor = everyone.visitors[user_id]
        data = {"csrf_token": everyone.tokens[user_id], **filled(form, "a\x00b")}
        answer = person.post_bare(
            form.action, data, headers={**OURS, "Referer": f"http://localhost{form.page}"}
        )
        assert answer.status_code == 400, form
        assert "Nothing was changed" in answer.text
        assert "NUL" in answer.text
        way = re.search(r'href="([^"]+kept=\w+)"', answer.text)
        kept += way is not None
        if way:
            assert 'value="ab"' in person.get(html.unescape(way[1])).text or "textarea" in str(form.fields)
    assert everyone.fingerprint() == before
    assert kept >= 15


@pytest.mark.parametrize(
    "text", ["\ud800", "a\x00b", "NaN", "1e999", "١٢٣", "<script>", "\u202e", "x" * 15_000, "👩‍👩‍👧"]
)
def test_hostile_text_in_every_field_of_a_signal_by_api_is_refused_by_name(
    app: Flask, admin: User, text: str
) -> None:
    token = tokens.create_token(admin, SCOPES, actor="tests")
    good = {"currency_pair": "BTC/USDT", "direction": "buy", "publish": False}
    numbers = (
        "open_price",
        "sl",
        "currency_pair",
        "direction",
        "action",
        "order_type",
        "expires_at",
        "market_type",
    )
    for name in numbers:
        answer = visit(app).open(
            "/api/v1/signals", method="POST", content_type="application/json",
            headers={"Authorization": f"Bearer {token}"}, data=json.dumps(good | {name: text}),
        )  # fmt: skip
        assert answer.status_code in {400, 413, 422}, (name, text[:20])
        assert answer.json is not None
        if answer.status_code == 422:
            assert name in answer.json["error"]["fields"]
    assert world.count(Signal) == 0
