"""The page on which a draft is looked at before it trades."""

import re

import pytest
from flask import Flask
from redis import Redis

from portal.db import utcnow
from portal.jobs.worker import run_worker
from portal.models import Execution, Order
from portal.services import signals
from tests import world
from tests.services.desk import Desk
from tests.services.floor import desk, sandbox_server
from tests.visiting import Visitor, visit

__all__ = ["desk", "sandbox_server"]

DRAFT = {"currency_pair": "BTC/USDT", "direction": "buy", "sl": "1000"}


@pytest.fixture
def operator(app: Flask, desk: Desk) -> Visitor:
    return visit(app, desk.admin)


def draft(desk: Desk) -> int:
    return signals.submit(DRAFT, author=desk.admin, source="admin", publish=False).signal_id


def figures(page: str) -> list[str]:
    summary = page.partition('id="summary"')[2].partition('id="progress"')[0]
    return [text.strip() for text in re.findall(r'figure-value">([^<]*)<', summary)]


def work(app: Flask) -> None:
    assert run_worker(app, concurrency=2, burst=True) == 0


def test_preview_page_when_workers_answer_then_shows_each_account_and_leads_to_publish(
    app: Flask, desk: Desk, operator: Visitor
) -> None:
    desk.account("alpha <b>", preset=desk.sized(500))
    desk.account("beta", preset=desk.preset(blocked_symbols=["BTC/USDT"]))
    signal_id = draft(desk)
    details = operator.get(f"/admin/signals/details/?id={signal_id}").text
    assert f'action="/admin/signals/preview/{signal_id}"' in details
    empty = operator.get(f"/admin/signals/preview/{signal_id}").text
    assert "No preview yet" in empty
    response = operator.post(f"/admin/signals/preview/{signal_id}")
    assert response.location == f"/admin/signals/preview/{signal_id}"
    asking = operator.get(response.location).text
    assert "0 of 2 accounts have answered" in asking
    assert 'id="preview" data-refresh="2"' in asking
    assert "No worker is running" in asking
    work(app)
    page = operator.get(response.location).text
    assert figures(page)[:3] == ["1", "1", "0"]
    assert "All 2 accounts have answered" in page
    assert "alpha &lt;b&gt;" in page
    assert "SYMBOL_BLOCKED" in page
    assert "The stop would rest at the exchange" in page
    assert f'id="publish" href="/admin/signals/publish/{signal_id}"' in page
    assert operator.get(f"{response.location}?show=nonsense&after=x").text.count("<tr>") == 3
    only = operator.get(f"{response.location}?show=would_refuse").text
    assert "SYMBOL_BLOCKED" in only
    assert "alpha" not in only.partition("<tbody>")[2]
    question = operator.get(f"/admin/signals/publish/{signal_id}").text
    assert "Its preview: 1 would trade, 1 would refuse, 0 could not be asked." in question
    assert desk.accepted() == world.count(Execution) == world.count(Order) == 0
    # The same page leads to the one step that trades, once.
    for _ in range(2):
        operator.post(f"/admin/signals/publish/{signal_id}")
    assert world.count(Execution) == 2
    gone = operator.get(response.location).text
    assert "What became of it" in gone
    assert 'id="publish"' not in gone


def test_preview_page_when_the_draft_was_edited_then_says_that_it_does_not_hold(
    app: Flask, desk: Desk, operator: Visitor
) -> None:
    desk.account()
    signal_id = draft(desk)
    operator.post(f"/admin/signals/preview/{signal_id}")
    work(app)
    address = f"/admin/signals/preview/{signal_id}"
    assert 'id="stale"' not in operator.get(address).text
    operator.post(f"/admin/signals/edit/?id={signal_id}", {**DRAFT, "action": "open", "sl": "2000"})
    assert 'id="stale"' in operator.get(address).text
    assert "changed after its preview" in operator.get(f"/admin/signals/publish/{signal_id}").text


def test_preview_page_when_no_worker_takes_it_up_then_says_so(
    app: Flask, desk: Desk, operator: Visitor
) -> None:
    desk.account()
    signal_id = draft(desk)
    operator.post(f"/admin/signals/preview/{signal_id}")
    redis: Redis = app.extensions["portal_redis"]
    redis.sadd("rq:workers", "rq:worker:that-died", "rq:worker:that-lives")
    redis.hset("rq:worker:that-lives", "last_heartbeat", utcnow().isoformat())
    (facts,) = redis.scan_iter("portal:preview:*:facts")
    redis.hset(facts, "news_at", "2026-01-01T00:00:00+00:00")
    page = operator.get(f"/admin/signals/preview/{signal_id}").text
    assert 'id="silent"' in page
    assert "1 of 1 accounts did not answer" in page
    assert 'data-refresh="2"' not in page


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "²"])
def test_preview_page_when_its_cursor_is_nonsense_then_shows_the_first_rows(
    desk: Desk, operator: Visitor, after: str
) -> None:
    signal_id = draft(desk)
    operator.post(f"/admin/signals/preview/{signal_id}")
    response = operator.get(f"/admin/signals/preview/{signal_id}?after={after}&show={after}")
    assert response.status_code == 200
    assert "No connection is eligible now" in response.text
