"""Drafts, and the one step that makes them trade."""

import pytest
import sqlalchemy as sa

from portal.db import db
from portal.models import AuditEntry, Execution, Signal, User
from tests import world
from tests.visiting import Visitor

DRAFT = {
    "currency_pair": "BTC/USDT",
    "direction": "buy",
    "action": "open",
    "open_price": "64000",
    "sl": "63000",
}


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def test_draft_when_saved_then_goes_nowhere(visitor: Visitor, admin: User) -> None:
    world.make_connection(admin)
    response = visitor.post("/admin/signals/new/", {**DRAFT, "tp": "65000\n66000"})
    assert response.location == "/admin/signals/details/?id=1"
    signal = db.session.get_one(Signal, 1)
    assert (signal.is_published, signal.source, signal.author_id, len(signal.tp)) == (
        False,
        "admin",
        admin.id,
        2,
    )
    assert world.count(Execution) == 0
    assert actions() == ["portal.signal.created"]


def test_draft_when_wrong_then_reasons_stand_at_the_fields_and_nothing_is_stored(visitor: Visitor) -> None:
    text = visitor.post("/admin/signals/new/", {**DRAFT, "currency_pair": "nonsense", "sl": "70000"}).text
    assert text.count("field-error") == 2
    assert "must be below open_price" in text
    for hostile in ("NaN", "Infinity", "1e999999", "-1", "0", "abc", "1" * 80):
        assert "field-error" in visitor.post("/admin/signals/new/", {**DRAFT, "open_price": hostile}).text, (
            hostile
        )
    assert world.count(Signal) == 0
    assert actions() == []


def test_draft_when_extra_fields_are_sent_then_they_do_nothing(visitor: Visitor, admin: User) -> None:
    extra = {
        "is_published": "1",
        "published_at": "2026-01-01T00:00",
        "author_id": "99",
        "publish": "y",
        "status": "x",
    }
    visitor.post("/admin/signals/new/", {**DRAFT, **extra})
    signal = db.session.get_one(Signal, 1)
    assert not signal.is_published
    assert signal.author_id == admin.id
    assert world.count(Execution) == 0


def test_publish_page_when_opened_then_says_how_many_and_changes_nothing(
    visitor: Visitor, admin: User
) -> None:
    world.make_connection(admin, "One")
    world.make_connection(admin, "Two")
    signal = world.make_signal(admin)
    text = visitor.get(f"/admin/signals/publish/{signal.id}").text
    assert "Publish to 2 connections" in text
    assert world.count(Execution) == 0
    assert not db.session.get_one(Signal, signal.id).is_published


def test_publish_when_confirmed_then_writes_executions_and_an_audit_entry_once(
    visitor: Visitor, admin: User
) -> None:
    world.make_connection(admin, "One")
    world.make_connection(admin, "Two")
    signal_id = world.make_signal(admin).id
    for _ in range(2):
        response = visitor.post(f"/admin/signals/publish/{signal_id}")
        assert response.location == f"/admin/signals/details/?id={signal_id}"
    assert world.count(Execution) == 2
    assert actions() == ["portal.signal.published"]
    page = visitor.get(response.location).text
    assert "published to 2 connections" in page
    asked_late = visitor.get(f"/admin/signals/publish/{signal_id}")
    assert asked_late.location == response.location, "the question is out of date"
    assert "is published already" in visitor.get(asked_late.location).text
    assert "One" in page
    assert "Two" in page


def test_published_signal_when_edited_then_is_not_changed(visitor: Visitor, admin: User) -> None:
    signal_id = world.make_signal(admin).id
    visitor.post(f"/admin/signals/publish/{signal_id}")
    assert visitor.get(f"/admin/signals/edit/?id={signal_id}").status_code == 302
    changed = {**DRAFT, "currency_pair": "ETH/USDT"}
    page = visitor.post(f"/admin/signals/edit/?id={signal_id}", changed, follow_redirects=True)
    assert "never changed" in page.text
    assert db.session.get_one(Signal, signal_id).currency_pair == "BTC/USDT"


def test_draft_when_edited_then_keeps_what_the_form_shows(visitor: Visitor, admin: User) -> None:
    world.make_plan("Gold")
    visitor.post("/admin/signals/new/", {**DRAFT, "plans": "Gold", "tp": "65000"})
    page = visitor.get("/admin/signals/edit/?id=1").text
    assert 'value="64000"' in page
    assert "selected" in page.partition('id="plans"')[2].partition("</select>")[0]
    visitor.post("/admin/signals/edit/?id=1", {**DRAFT, "plans": "Gold", "tp": "65500"})
    signal = db.session.get_one(Signal, 1)
    assert [plan.name for plan in signal.plans] == ["Gold"]
    assert str(signal.tp[0]).startswith("65500")
    assert actions()[-1] == "portal.signal.changed"


@pytest.mark.parametrize("path", ["/admin/signals/delete/", "/admin/signals/action/"])
def test_signal_when_deletion_is_asked_for_then_stays(visitor: Visitor, admin: User, path: str) -> None:
    signal_id = world.make_signal(admin).id
    visitor.post(path, {"id": str(signal_id), "action": "delete", "rowid": str(signal_id)})
    assert world.count(Signal) == 1
