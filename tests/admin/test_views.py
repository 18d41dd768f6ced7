"""What views may show and change, checked on the classes themselves and on every page."""

import re
from decimal import Decimal

import pytest
from flask import Flask
from flask_admin.form import BaseForm

from portal import models
from portal.admin.base import REQUIRED, SECRET_COLUMNS, PortalModelView, check_lists
from portal.admin.fields import TextField
from portal.admin.menu import GROUPS
from portal.admin.values import csv_cell
from portal.db import db, utcnow
from portal.models import JobLease
from portal.trading.types import PositionStatus
from tests import world
from tests.admin.conftest import Panel
from tests.admin.test_access import rules
from tests.visiting import Visitor

LISTS = dict.fromkeys(REQUIRED, ())
#: Columns that hold a secret, or a handle to one, found by their names in all tables.
SUSPICIOUS = re.compile(r"password|secret|hash|credential|uniquifier|totp|recovery|token")
HARMLESS = {"content_hash", "hash"}


def test_views_when_looked_at_then_each_has_every_list() -> None:
    for view in (view for views in GROUPS.values() for view, model, *_ in views if model is not None):
        assert issubclass(view, PortalModelView)
        check_lists(view)
        assert all(name in view.__dict__ for name in REQUIRED), view


def test_secret_columns_when_compared_with_all_tables_then_none_is_missing() -> None:
    found = {
        column.name
        for table in db.metadata.sorted_tables
        for column in table.columns
        if SUSPICIOUS.search(column.name)
    }
    assert found - HARMLESS <= SECRET_COLUMNS


@pytest.mark.parametrize("missing", REQUIRED)
def test_view_when_a_list_is_missing_then_cannot_be_defined(missing: str) -> None:
    given = {name: value for name, value in LISTS.items() if name != missing}
    with pytest.raises(TypeError, match=missing):
        type("Forgetful", (PortalModelView,), given)


@pytest.mark.parametrize("secret", sorted(SECRET_COLUMNS))
def test_view_when_a_secret_is_listed_then_cannot_be_defined(secret: str) -> None:
    for name in ("column_list", "column_export_list", "column_searchable_list"):
        with pytest.raises(TypeError, match=secret):
            type("Leaky", (PortalModelView,), {**LISTS, name: ("id", f"user.{secret}")})


def test_view_when_its_form_has_an_unlisted_field_then_cannot_be_defined() -> None:
    form = type("Form", (BaseForm,), {"status": TextField("Status")})
    with pytest.raises(TypeError, match="form_columns"):
        type("Sloppy", (PortalModelView,), {**LISTS, "form": form})


@pytest.mark.usefixtures("panel")
def test_pages_and_exports_when_read_then_contain_no_secret(
    app: Flask, visitor: Visitor, admin: models.User
) -> None:
    forbidden = ("canary-api", "canary-hash", "canary-totp", "canary-token-hash", admin.fs_uniquifier)
    connection = db.session.get_one(models.ExecutionConnection, 1)
    forbidden += (connection.uid, str(connection.credentials))
    looked = 0
    for method, path in rules(app):
        if method == "GET":
            for address in (path, f"{path}?id=1", f"{path}?search=canary", f"{path}?id=1&sort=0"):
                text = visitor.get(address, follow_redirects=True).text
                assert not [word for word in forbidden if word in text], address
                looked += 1
    assert looked > 300


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx"])
def test_csv_cell_when_a_text_begins_like_a_formula_then_is_neutralised(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


def test_csv_cell_when_a_number_is_negative_then_stays_a_number() -> None:
    assert csv_cell(Decimal("-1.50")) == "-1.50"
    assert csv_cell(-3) == "-3"


def test_export_when_a_name_is_a_formula_then_no_cell_is_one(visitor: Visitor, trader: models.User) -> None:
    world.make_connection(trader, '=HYPERLINK("http://evil")')
    lines = visitor.get("/admin/connections/export/csv/").text.splitlines()
    assert len(lines) == 2
    assert "'=HYPERLINK" in lines[1]
    assert not re.search(r'(^|,)"?[=+@]', lines[1])


def test_list_when_a_name_is_markup_then_it_is_shown_as_text(visitor: Visitor, trader: models.User) -> None:
    world.make_connection(trader, "<script>alert(1)</script>", last_error="<img src=x onerror=alert(1)>")
    for path in ("/admin/connections/", "/admin/connections/details/?id=1"):
        text = visitor.get(path).text
        assert "&lt;script&gt;" in text
        assert "<script>alert" not in text
        assert "<img" not in text


@pytest.mark.usefixtures("panel")
def test_filters_when_used_then_narrow_the_list_and_ignore_nonsense(visitor: Visitor) -> None:
    assert "Main account" in visitor.get("/admin/executions/?flt2_2=filled").text
    assert "Nothing matches" in visitor.get("/admin/executions/?flt2_2=denied").text
    assert "was ignored" in visitor.get("/admin/executions/?flt2_2=hostile'--").text
    assert "was ignored" in visitor.get("/admin/executions/?flt0_0=abc").text
    assert "was ignored" in visitor.get("/admin/executions/?flt5_5=2026-99-99").text
    assert "Nothing matches" in visitor.get("/admin/executions/?flt6_6=2020-01-01").text
    assert visitor.get("/admin/executions/?page=-1&page_size=-5&sort=999").status_code == 200


def test_dashboard_when_nothing_runs_then_it_says_what_is_missing(visitor: Visitor) -> None:
    page = visitor.get("/admin/").text
    assert "no position is watched: no worker runs" in page
    assert "Nobody works" in page
    world.save(JobLease(job="sweep", tick=1, started_at=utcnow()))
    assert "scheduler and workers run" in visitor.get("/admin/").text


def test_dashboard_when_positions_are_open_and_closed_then_it_adds_them_up_by_currency(
    visitor: Visitor, panel: Panel
) -> None:
    world.make_position(
        panel.connection, status=PositionStatus.CLOSED, closed_at=utcnow(), realized_pnl=Decimal("12.5")
    )
    page = re.sub(r"<[^>]+>|\s+", " ", visitor.get("/admin/").text)
    page = re.sub(r" +", " ", page)
    assert "Open result +1.49 USDT" in page
    assert "Closed today +12.50 USDT" in page
