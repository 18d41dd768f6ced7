"""Texts from outside stay texts: in pages, in spreadsheets, in the database's language and in logs."""

import ast
import csv
import io
import json
import logging
import re
from pathlib import Path

import pytest
from flask import Flask

from portal.admin.values import csv_cell
from portal.logs import JsonFormatter, TextFormatter
from portal.models import User
from portal.models.token import SCOPES
from portal.services import tokens
from tests import world
from tests.security import tenants
from tests.security.routes import routes
from tests.security.test_changes import WRITTEN_BY_READING, crawl
from tests.visiting import Visitor, visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

XSS = "<script>alert('canary')</script>\"'><img src=x onerror=alert(2)>{{7*7}}${7*7}"
FORMULAS = (
    "=HYPERLINK(\"http://evil.example\")", "+1+1", "-1+1|cmd", "@SUM(A1)", "\t=1", "\r=1", "\n=1",
    "＝1", "＋1", "－1", "＠SUM(A1)",
)  # fmt: skip
INJECTIONS = (
    "'; DROP TABLE users; --", "\" OR 1=1 --", "1) UNION SELECT password FROM users --", "%", "_", "\\",
    "(SELECT pg_sleep(5))", "id; SELECT 1", "-1", "99999999999999999999", "NaN", "\x00", "💥", "password",
    "users.password", "credentials",
)  # fmt: skip
ROOT = Path(__file__).parents[2] / "portal"


@pytest.mark.parametrize("who", ["trader", "administrator"])
def test_s30_text_of_every_row_when_shown_on_any_page_is_never_markup(
    app: Flask, alice: User, admin: User, who: str
) -> None:
    alice.name = f"Alice {XSS}"
    world.save(alice)
    ids = tenants.settle(alice, admin, XSS)
    visitor = visit(app, alice if who == "trader" else admin)
    paths = {route.path for route in routes(app, ids) if route.method == "GET"}
    paths |= {path for path, _ in crawl(visitor, "/admin/" if who == "administrator" else "/")}
    shown = 0
    for path in sorted(paths):
        answer = visitor.get(path)
        if "html" not in answer.content_type:
            continue
        assert "<script>alert" not in answer.text, path
        assert "<img src=x" not in answer.text, path
        assert "'><img" not in answer.text, path
        assert "canary')</script>&#34;&#39;&gt;49" not in answer.text, path
        shown += "&lt;script&gt;alert(&#39;canary&#39;)" in answer.text
    assert shown >= 8


def test_s30_input_that_is_refused_comes_back_as_text(app: Flask, admin: User, alice: User) -> None:
    for person, path in (
        (alice, "/connections/new"), (admin, "/admin/signals/new/"), (admin, "/admin/presets/new/"),
        (admin, "/admin/connections/new/"), (admin, "/admin/users/new/"),
        (admin, "/admin/subscriptions/new/"),
    ):  # fmt: skip
        visitor = visit(app, person)
        names = set(re.findall(r'name="([\w.-]+)"', visitor.get(path).text)) - {"csrf_token"}
        answer = visitor.post(path, dict.fromkeys(names, XSS))
        assert answer.status_code in {200, 422}, path
        assert "<script>alert" not in answer.text, path
        assert "&lt;script&gt;alert" in answer.text, path


def test_s30_export_of_every_list_has_no_cell_that_a_spreadsheet_runs(
    app: Flask, alice: User, admin: User
) -> None:
    exports, cells = 0, 0
    for place, formula in enumerate(FORMULAS):
        tenants.settle(world.make_user(f"user{place}@example.org", name=formula), admin, formula)
    visitor = visit(app, admin)
    for route in routes(app, dict.fromkeys(tenants.TABLES, 1)):
        if not route.endpoint.endswith(".export"):
            continue
        exports += 1
        for row in csv.reader(io.StringIO(visitor.get(route.path).text, newline="")):
            for cell in row:
                cells += 1
                assert not cell.startswith(("=", "+", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")), (
                    route,
                    cell,
                )
                assert not cell.startswith("-") or re.fullmatch(r"-[\d.]+", cell), (route, cell)
    assert exports > 10
    assert cells > 300


@pytest.mark.parametrize("formula", FORMULAS)
def test_s30_cell_that_begins_like_a_formula_is_quoted(formula: str) -> None:
    assert csv_cell(formula) == f"'{formula}"


def test_s33_no_statement_is_put_together_from_texts() -> None:
    """Values travel as parameters. What builds a statement by hand uses constants of its own module."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"text", "exec_driver_sql", "literal_column", "execute"}:
                first = node.args[0]
                built = isinstance(first, ast.JoinedStr) or (
                    isinstance(first, ast.BinOp) and isinstance(first.op, ast.Add | ast.Mod)
                )
                formatted = isinstance(node.args[0], ast.Call) and (
                    getattr(node.args[0].func, "attr", "") == "format"
                )
                if built or formatted:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    # Words of our own enumerations, and names of our own databases when the server is first set up.
    allowed = {"db.py", "embedded/postgres.py", "models/order.py"}
    assert [place for place in found if place.partition(":")[0] not in allowed] == []


@pytest.mark.parametrize("hostile", INJECTIONS)
def test_s33_list_when_sorted_searched_and_filtered_by_anything_answers_and_changes_nothing(
    app: Flask, admin: User, hostile: str
) -> None:
    world.make_connection(admin)
    # What no database can keep is refused at the door.
    fine = {400} if "\x00" in hostile else {200, 302, 404}
    visitor = visit(app, admin)
    token = tokens.create_token(admin, SCOPES, actor="tests")
    before = tenants.state(without=WRITTEN_BY_READING)
    lists = [
        route.path
        for route in routes(app, dict.fromkeys(tenants.TABLES, 1))
        if route.endpoint.endswith(".index_view")
    ]
    assert len(lists) > 10
    names = ("sort", "desc", "search", "page", "page_size", "flt0_0", "flt1_1", "flt2_2", "flt3_3")
    for path in lists:
        for query in (dict.fromkeys(names, hostile), {"sort": hostile}, {"search": hostile}):
            assert visitor.open(path, method="GET", query_string=query).status_code in fine, path
    for path in ("/connections", "/positions", "/executions", "/notifications"):
        query = dict.fromkeys(("before", "status", "show", "sort"), hostile)
        assert visitor.open(path, method="GET", query_string=query).status_code in fine, path
    for name in ("after", "limit", "status", "connection_id", "sort"):
        answer = visitor.open(
            "/api/v1/positions", method="GET", query_string={name: hostile},
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert answer.status_code in {400, 404, 422}, name
    after = tenants.state(without=WRITTEN_BY_READING)
    assert {name for name in after if after[name] != before[name]} <= {
        "api_tokens",
        "audit_entries",
        "audit_heads",
    }


def test_s33_list_when_sorted_by_a_column_that_is_not_offered_ignores_it(app: Flask, admin: User) -> None:
    for name in ("Bravo", "Alpha", "Charlie"):
        world.make_connection(admin, name)
    visitor = visit(app, admin)
    usual = _order(visitor, "/admin/connections/")
    assert _order(visitor, "/admin/connections/?sort=5") == usual
    assert _order(visitor, "/admin/connections/?sort=1") == ["Alpha", "Bravo", "Charlie"]


def _order(visitor: Visitor, path: str) -> list[str]:
    page = visitor.get(path).text
    return sorted(("Alpha", "Bravo", "Charlie"), key=page.index)


CRLF = "a\r\n2026-01-01T00:00:00.000Z ERROR   portal.web: forged\u2028line\x1b[31m\x00"


@pytest.mark.parametrize("shape", [TextFormatter, JsonFormatter])
def test_s37_line_breaks_in_any_input_forge_no_line_of_the_log_and_times_are_utc(
    app: Flask, admin: User, shape: type[logging.Formatter]
) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(shape())
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    try:
        _send_line_breaks_everywhere(app, admin)
        logging.getLogger("portal.web").error("a name: %s", CRLF)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    lines = written.getvalue().splitlines()
    assert any("forged" in line for line in lines)
    for line in lines:
        if shape is JsonFormatter:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", json.loads(line)["time"])
        else:
            assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ +[\w.]+", line), line
            assert not re.match(r"2026-01-01T00:00:00\.000Z", line)
    assert "\x1b" not in written.getvalue()


def _send_line_breaks_everywhere(app: Flask, admin: User) -> None:
    visitor = visit(app, admin)
    for route in routes(app, dict.fromkeys(tenants.TABLES, 1)):
        if route.method == "GET" or route.endpoint == "security.logout":
            continue
        data = dict.fromkeys(("name", "email", "password", "reason", "key", "currency_pair", "body"), CRLF)
        if route.blueprint in {"api", "hooks"}:
            visitor.open(route.path, method=route.method, data=CRLF)
        else:
            visitor.post_bare(route.path, data)
    visit(app).post("/login", {"email": CRLF, "password": CRLF})
    visitor.get("/connections/%0d%0aforged")
