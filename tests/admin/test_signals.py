"""Drafts, and the one step that makes them trade."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.db import db, utcnow
from portal.models import AuditEntry, Execution, Signal, User
from portal.services import trading_state
from portal.trading.types import PositionStatus, TradingStateValue
from tests import world
from tests.visiting import Visitor

MS = timedelta(milliseconds=1)
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


def test_published_signal_when_copied_then_the_form_of_a_new_draft_has_its_words(
    visitor: Visitor, admin: User
) -> None:
    world.make_plan("Majors")
    soon = (utcnow() + timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M")
    draft = {**DRAFT, "tp": "65000\n66000", "plans": "Majors", "expires_at": soon}
    made = visitor.post("/admin/signals/new/", draft)
    assert made.status_code == 302, re.findall(r'field-error">([^<]*)', made.text)
    world.make_connection(admin)
    visitor.post("/admin/signals/publish/1")
    assert '/admin/signals/new/?like=1"' in visitor.get("/admin/signals/details/?id=1").text
    page = visitor.get("/admin/signals/new/?like=1").text
    for words in ('value="BTC/USDT"', "65000", "66000", '<option selected value="Majors">'):
        assert words in page, words
    assert soon not in page, "a new draft has a time of its own"
    assert world.count(Signal) == 1
    visitor.post("/admin/signals/new/?like=1", {**DRAFT, "currency_pair": "ETH/USDT"})
    made = db.session.get_one(Signal, 2)
    assert (made.currency_pair, made.tp, made.is_published) == ("ETH/USDT", [], False), "the form decides"
    for nonsense in ("99", "x", "9" * 40, "1'--"):
        assert 'value="BTC/USDT"' not in visitor.get(f"/admin/signals/new/?like={nonsense}").text


def test_published_signal_when_nothing_of_it_is_open_then_offers_no_close(
    visitor: Visitor, admin: User
) -> None:
    account, page = world.make_connection(admin), "/admin/signals/details/?id=1"
    visitor.post("/admin/signals/new/", DRAFT)
    visitor.post("/admin/signals/publish/1")
    assert "Close what it opened" not in visitor.get(page).text
    position = world.make_position(account, execution_id=1)
    assert "Close what it opened" in visitor.get(page).text
    position.status = PositionStatus.CLOSED
    world.save(position)
    assert "Close what it opened" not in visitor.get(page).text


def test_publish_page_when_trading_is_stopped_then_says_who_would_deny_it(
    visitor: Visitor, admin: User
) -> None:
    world.make_connection(admin)
    visitor.post("/admin/signals/new/", DRAFT)
    for scope, key in (("symbol", "BTC/USDT"), ("symbol", "SOL/USDT"), ("exchange", "sandbox")):
        trading_state.set_state(scope, key, TradingStateValue.HALTED, actor=admin)
    page = visitor.get("/admin/signals/publish/1").text
    assert (
        "Symbol BTC/USDT is halted; Exchange sandbox is halted: accounts that this concerns deny it." in page
    )
    assert "SOL/USDT" not in page
    visitor.post("/admin/signals/new/", {**DRAFT, "action": "close"})
    assert "is halted" not in visitor.get("/admin/signals/publish/2").text, "exits always pass"


def test_report_when_the_answer_was_lost_then_the_time_until_it_was_found_counts(
    visitor: Visitor, admin: User
) -> None:
    world.make_connection(admin)
    visitor.post("/admin/signals/new/", DRAFT)
    visitor.post("/admin/signals/publish/1")
    execution = db.session.get_one(Execution, 1)
    begun = execution.created_at
    execution.claimed_at, execution.read_at = begun + 30 * MS, begun + 90 * MS
    world.save(execution)
    took = r'data-label="Took"><span class="num">([0-9,]+)'
    assert re.findall(took, visitor.get("/admin/signals/details/?id=1").text) == ["90"]
    execution.finished_at = begun + 61_000 * MS
    world.save(execution)
    assert re.findall(took, visitor.get("/admin/signals/details/?id=1").text) == ["61,000"]


def test_story_when_the_draft_waited_for_long_then_its_times_count_from_the_publication(
    visitor: Visitor, admin: User
) -> None:
    world.make_connection(admin)
    visitor.post("/admin/signals/new/", DRAFT)
    visitor.post("/admin/signals/publish/1")
    execution = db.session.get_one(Execution, 1)
    execution.claimed_at = execution.created_at + 37 * MS
    world.save(execution)
    at = r"A worker took it</strong>[^+]*\+(\d\.\d{3}) s"
    assert re.search(at, visitor.get("/admin/executions/details/?id=1").text)
    signal = db.session.get_one(Signal, 1)
    signal.created_at -= timedelta(days=2)
    world.save(signal)
    page = visitor.get("/admin/executions/details/?id=1").text
    assert re.findall(at, page) == ["0.037"]
    assert "2 d ago" in page
