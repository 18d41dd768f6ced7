"""The log for operators and owners: found by anything, page by page, within bounds; taken out safely."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import portal
from portal.db import db, utcnow
from portal.errors import ValidationError
from portal.models import AuditEntry, ExecutionLog, User
from portal.services import log_kinds, log_search
from portal.services.log_kinds import Category, Level
from portal.services.log_search import Search
from tests import world
from tests.visiting import Visitor, visit

LOGS = "/admin/logs/"
DAY = timedelta(days=1)


@pytest.fixture
def lines(trader: User, admin: User) -> dict[str, int]:
    """Six lines: of the trader's execution, its order and its position, one old, one of the house's."""
    mine, house = world.make_connection(trader), world.make_connection(admin, "House")
    signal = world.make_signal(admin)
    execution = world.make_execution(signal, mine)
    order = world.make_order(execution, client_order_id="ptc-mine", exchange_order_id="771")
    position = world.make_position(mine, execution_id=execution.id)
    other = world.make_execution(world.make_signal(admin), house)
    made = {
        "placed": world.make_log(execution, "filled", "Sent and filled", duration_ms=41),
        "rejected": world.make_log(
            execution, "rejected", "Refused: 100 % of <b>margin</b>", order_id=order.id,
            data={"code": "INSUFFICIENT_FUNDS", "venue_code": "-2019"},
        ),
        "position": world.save(
            ExecutionLog(
                connection_id=mine.id, owner_id=trader.id, position_id=position.id,
                event="stop_moved", message="Stop moved by hand",
            )
        ),
        "old": world.make_log(execution, "unresolved", "No answer", at=utcnow() - 30 * DAY),
        "ancient": world.make_log(execution, "unresolved", "No answer", at=utcnow() - 300 * DAY),
        "house": world.make_log(other, "denied", "=HYPERLINK(1) too late", data={"code": "SIGNAL_TOO_OLD"}),
    }  # fmt: skip
    return {name: line.id for name, line in made.items()}


def found(**asked: Any) -> set[int]:
    return {line.id for line in log_search.lines(Search(**asked), limit=100)}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, "placed rejected position old ancient house"),
        ({"level": Level.ERROR}, "rejected"), ({"level": Level.WARNING}, "house"),
        ({"level": Level.INFO}, "placed position"),
        ({"category": Category.PROTECTION}, "position"), ({"category": Category.REFUSAL}, "rejected house"),
        ({"event": "filled"}, "placed"), ({"connection_id": 2}, "house"),
        ({"owner": "ALICE@example.org"}, "placed rejected position old ancient"), ({"owner": "2"}, "house"),
        ({"owner": "nobody"}, ""), ({"owner": "9" * 30}, ""),
        ({"signal_id": 1}, "placed rejected position old ancient"), ({"signal_id": 2}, "house"),
        ({"signal_id": 1, "level": Level.ERROR}, "rejected old ancient"), ({"signal_id": 9}, ""),
        ({"execution_id": 1, "category": Category.PROTECTION}, "position"), ({"position_id": 1}, "position"),
        ({"order": "ptc-mine"}, "rejected"), ({"order": "771"}, "rejected"), ({"order": "77"}, ""),
        ({"code": "INSUFFICIENT_FUNDS"}, "rejected"), ({"code": "-2019"}, "rejected"),
        ({"text": "100 %"}, "rejected"), ({"text": "100_%"}, ""), ({"text": "NO ANSWER"}, ""),
        ({"text": "NO ANSWER", "since": -40}, "old"), ({"since": -40}, "placed rejected position old house"),
        ({"until": -1}, "old ancient"), ({"since": -40, "until": -20}, "old"),
    ],
)  # fmt: skip
def test_lines_when_looked_for_then_these_are_found_and_no_others(
    lines: dict[str, int], asked: dict[str, Any], names: str
) -> None:
    for name in {"since", "until"} & asked.keys():
        asked = {**asked, name: utcnow() + asked[name] * DAY}
    assert found(**asked) == {lines[name] for name in names.split()}


def test_search_when_it_would_read_every_line_then_is_bounded_in_time(lines: dict[str, int]) -> None:
    with pytest.raises(ValidationError) as refused:
        found(text="answer", since=utcnow() - 200 * DAY)
    assert "at most 92 days" in refused.value.errors["since"]
    assert found(since=utcnow() - 3000 * DAY, connection_id=1), "an index finds these"


def test_search_when_it_takes_too_long_then_is_given_up_and_says_so(
    lines: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_search, "_SECONDS", 0.1)
    usual = db.session.scalar(sa.text("SHOW statement_timeout"))
    slow = sa.select(ExecutionLog).where(sa.func.pg_sleep(30).is_not(None))
    with pytest.raises(ValidationError) as refused:
        log_search._patiently(slow)
    assert "was given up" in refused.value.errors["search"]
    assert db.session.scalar(sa.text("SHOW statement_timeout")) == usual


def test_pages_when_turned_then_show_every_line_once(visitor: Visitor, lines: dict[str, int]) -> None:
    now = utcnow()
    db.session.execute(
        sa.insert(ExecutionLog),
        [
            {"event": "filled", "message": f"line {number}", "at": now - timedelta(seconds=number // 3)}
            for number in range(120)
        ],
    )
    db.session.commit()
    url, seen = f"{LOGS}?text=line", []
    while url:
        text = visitor.get(url).text
        seen += re.findall(r"line (\d+)\b", text)
        older = re.search(r'href="([^"]+before=\d+[^"]*)">Older', text)
        url = older.group(1).replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 120
    assert [int(each) // 3 for each in seen] == sorted(int(each) // 3 for each in seen)


def test_page_when_looked_at_then_every_line_leads_to_its_story(
    visitor: Visitor, lines: dict[str, int]
) -> None:
    text = visitor.get(LOGS).text
    assert text.count("/admin/executions/details/?id=1#story") == 5
    assert text.count("/admin/executions/details/?id=2#story") == 1
    assert "&lt;b&gt;margin" in text
    detail = visitor.get(f"/admin/logs/details/?id={lines['position']}").text
    assert "/admin/executions/details/?id=1#story" in detail
    assert "INSUFFICIENT_FUNDS" in text


def test_page_when_filtered_then_the_address_says_so_and_the_fields_show_it(
    visitor: Visitor, lines: dict[str, int]
) -> None:
    text = visitor.get(f"{LOGS}?level=error&connection_id=1&text=margin&follow=1").text
    assert 'value="margin"' in text
    assert '<option value="error" selected>' in text
    assert 'id="rows" data-refresh="2"' in text
    assert "Looked at 7 days only" in text
    assert "level=error" in text.partition("Export CSV")[0]
    assert "data-refresh" not in visitor.get(LOGS).text
    assert "data-refresh" not in visitor.get(f"{LOGS}?follow=1&before=3").text


@pytest.mark.parametrize(
    "query",
    ["connection_id=abc", "since=yesterday", "level=loud", f"text={'x' * 300}", f"signal_id={'9' * 30}",
     "until=2026-13-45", "category=<script>"],
)  # fmt: skip
def test_page_when_a_filter_makes_no_sense_then_is_named_and_ignored(
    visitor: Visitor, lines: dict[str, int], query: str
) -> None:
    answer = visitor.get(f"{LOGS}?{query}")
    assert answer.status_code == 200
    assert "it was ignored" in answer.text
    assert "<script>" not in answer.text
    assert "Sent and filled" in answer.text


def test_page_when_the_time_is_too_long_then_says_so(visitor: Visitor, lines: dict[str, int]) -> None:
    answer = visitor.get(f"{LOGS}?text=x&since=2020-01-01T00:00")
    assert answer.status_code == 422
    assert "at most 92 days" in answer.text
    gone = visitor.get(f"{LOGS}export/csv/?text=x&since=2020-01-01T00:00")
    assert gone.status_code == 302
    assert "since=2020" in gone.location


def test_file_when_taken_out_then_has_the_filtered_rows_without_formulas_and_is_audited(
    visitor: Visitor, lines: dict[str, int]
) -> None:
    answer = visitor.get(f"{LOGS}export/csv/?connection_id=2")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0][:4] == ["id", "at", "event", "message"]
    assert [row[3] for row in rows[1:]] == ["'=HYPERLINK(1) too late"]
    assert rows[1][-1] == "warning"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    entry = db.session.scalars(sa.select(AuditEntry)).one()
    assert (entry.action, entry.data["filters"]) == ("portal.log.exported", "connection_id=2")
    assert len(list(csv.reader(io.StringIO(visitor.get(f"{LOGS}export/csv/").text)))) == 7


def test_file_when_there_is_more_than_fits_then_says_where_it_ends(
    visitor: Visitor, lines: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.admin.logs.MOST", 4)
    monkeypatch.setattr(log_search, "_BATCH", 3)
    rows = list(csv.reader(io.StringIO(visitor.get(f"{LOGS}export/csv/").text)))
    assert len(rows) == 1 + 4 + 1
    assert "The file ends here, at 4 rows" in rows[-1][0]
    assert len({row[0] for row in rows[1:5]}) == 4


def test_owner_when_looking_then_sees_own_lines_only_whatever_the_address_says(
    trader_visitor: Visitor, lines: dict[str, int]
) -> None:
    for query in ("", "?owner=1", "?connection_id=2", "?signal_id=2", "?execution_id=2", "?event=denied"):
        text = trader_visitor.get(f"/logs{query}").text
        assert "too late" not in text, query
        assert "/admin/" not in text.partition("<main")[2]
    text = trader_visitor.get("/logs").text
    assert text.count("/executions/1#story") == 5
    assert "/positions/1" in text
    assert "Sent and filled" in trader_visitor.get("/logs?execution_id=1&text=sent").text
    assert trader_visitor.get(LOGS).status_code == 403


def test_owner_who_has_nothing_is_told_so(app: Any, lines: dict[str, int]) -> None:
    nobody = visit(app, world.make_user("new@example.org"))
    assert "Nothing was attempted on your accounts yet" in nobody.get("/logs").text
    assert visit(app).get("/logs").status_code == 302


def test_every_event_that_is_written_has_a_place_among_the_categories() -> None:
    known = set().union(*(log_kinds.events_of(each) for each in Category))
    source = "".join(path.read_text() for path in Path(portal.__file__).parent.rglob("*.py"))
    written = set(re.findall(r"journal\.note\(\s*\"(\w+)\"", source))
    assert len(written) > 15
    assert written <= known
    assert set(log_kinds.grave_events()) <= known
