"""Who may enter which room, by whatever method: every rule of the administration, not a selection."""

import hashlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from portal.db import db
from tests import world
from tests.admin.conftest import Panel
from tests.visiting import Visitor, visit

FILLING = {
    "export_type": "csv", "instance_number": 0, "queue_name": "default", "registry_name": "failed",
    "job_id": "none", "per_page": 25, "order": "asc", "page": 1, "on": 0, "filename": "x",
}  # fmt: skip


#: Pages without rows of their own, or with tests of their own.
ROWLESS = {"/admin/rq/", "/admin/report/", "/admin/unresolved/", "/admin/jobs/", "/admin/settings/"}


def rules(app: Flask) -> Iterator[tuple[str, str]]:
    """Method and address of everything below /admin/, filled in with row 1."""
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            if rule.rule.startswith("/admin") and not rule.endpoint.endswith(".static"):
                for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                    yield method, adapter.build(rule.endpoint, _filled(rule), method=method)


def _filled(rule: Rule) -> dict[str, object]:
    return {name: FILLING.get(name, 1) for name in rule.arguments}


def digest(app: Flask, *, audit: bool = True) -> str:
    """Everything in the database and in Redis, as one text; without `audit`, not who took a list away."""
    parts = []
    with db.engine.connect() as link:
        for table in db.metadata.sorted_tables:
            if not audit and table.name.startswith("audit_"):
                continue
            found = link.execute(sa.text(f'SELECT md5(t::text) FROM "{table.name}" t ORDER BY 1')).scalars()
            parts.append(f"{table.name}:{list(found)}")
    redis = app.extensions["portal_redis"]
    parts += [f"{key}:{redis.dump(key)}" for key in sorted(redis.keys())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def test_admin_rules_when_counted_then_cover_every_view(app: Flask) -> None:
    found = list(rules(app))
    assert len(found) > 150
    assert ("POST", "/admin/signals/publish/1") in found


@pytest.mark.usefixtures("panel")
def test_stranger_when_asking_for_any_admin_address_then_is_sent_to_the_login(
    app: Flask, stranger: Visitor
) -> None:
    before = digest(app)
    token = stranger.token()
    for method, path in rules(app):
        if method == "GET":
            response = stranger.get(path)
        else:
            response = stranger.post_bare(path, {"csrf_token": token, "id": "1"})
        assert response.status_code == 302, (method, path)
        assert response.location.startswith("/login?next=/admin/"), (method, path, response.location)
    assert digest(app) == before


@pytest.mark.usefixtures("panel")
def test_trader_when_asking_for_any_admin_address_then_is_refused_and_nothing_changes(
    app: Flask, trader_visitor: Visitor
) -> None:
    before = digest(app)
    token = trader_visitor.token()
    for method, path in rules(app):
        if method == "GET":
            response = trader_visitor.get(path)
        else:
            response = trader_visitor.post_bare(path, {"csrf_token": token, "id": "1"})
        assert response.status_code == 403, (method, path)
        assert "not for your account" in response.text
    assert digest(app) == before


@pytest.mark.usefixtures("panel")
def test_admin_when_posting_without_a_token_then_everything_is_refused_and_nothing_changes(
    app: Flask, visitor: Visitor
) -> None:
    before = digest(app)
    for method, path in rules(app):
        if method == "POST":
            assert visitor.post_bare(path, {"id": "1"}).status_code == 400, path
    assert digest(app) == before


@pytest.mark.usefixtures("panel")
def test_admin_when_reading_every_address_twice_then_nothing_changes(app: Flask, visitor: Visitor) -> None:
    before = digest(app, audit=False)
    for _ in range(2):
        for method, path in rules(app):
            if method == "GET":
                assert visitor.get(path).status_code in (200, 302, 404), path
    assert digest(app, audit=False) == before


@pytest.mark.usefixtures("panel")
def test_admin_when_opening_lists_rows_and_forms_then_sees_them(app: Flask, visitor: Visitor) -> None:
    opened = 0
    for method, path in rules(app):
        if method == "GET" and path.count("/") == 3 and path.endswith("/") and path not in ROWLESS:
            assert visitor.get(path).status_code == 200, path
            assert visitor.get(f"{path}details/?id=1").status_code == 200, path
            assert visitor.get(f"{path}export/csv/").mimetype == "text/csv", path
            opened += 1
    assert opened >= 16


def test_row_number_when_hostile_then_is_no_row_and_no_error(visitor: Visitor, panel: Panel) -> None:
    for number in ("abc", "-1", "99999999999999999999", "1;drop", ""):
        assert visitor.get(f"/admin/signals/details/?id={number}").status_code == 302
    assert visitor.get("/admin/signals/details/?id=%00").status_code == 400
    assert visitor.get("/admin/signals/publish/99999999999999999999").status_code == 404
    assert visitor.get(f"/admin/signals/publish/{panel.signal.id + 999}").status_code == 404


def test_admin_when_deactivated_then_is_out_at_once(app: Flask, visitor: Visitor, panel: Panel) -> None:
    assert visitor.get("/admin/").status_code == 200
    other = world.make_admin("second@example.org")
    admin_id = panel.signal.author_id
    data = {"email": "admin@example.org", "role": "admin"}
    assert visit(app, other).post(f"/admin/users/edit/?id={admin_id}", data).status_code == 302
    assert visitor.get("/admin/").location.startswith("/login")
