"""The page of orders in doubt: what it shows, and who may decide what. Nobody asks the exchange here."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, transaction, utcnow
from portal.models import AuditEntry, Order, OrderQuestion, User
from portal.services.unresolved import deciding, questions
from portal.trading.types import Answer, ExecutionStatus, OrderState, QuestionKind
from tests import world
from tests.visiting import Visitor

PHRASE = "not placed: Main account BTC/USDT"
PAGE = "/admin/unresolved/details/?id=1"


def doubt(owner: User, age: float = 60, **values: Any) -> Order:
    """An entry of this owner that was sent so many seconds ago and never answered."""
    connection = world.make_connection(owner)
    signal = world.make_signal(owner)
    execution = world.make_execution(signal, connection, status=ExecutionStatus.UNRESOLVED)
    sent_at = utcnow() - timedelta(seconds=age)
    given = {
        "state": OrderState.UNRESOLVED, "sent_at": sent_at, "not_after": sent_at + timedelta(seconds=5),
        "error_code": "UNKNOWN", "error_message": "The connection was cut", "queries": 4,
        "next_query_at": utcnow() + timedelta(seconds=9), "payload": {"margin_mode": "isolated"},
    } | values  # fmt: skip
    return world.make_order(execution, **given)


def order() -> Order:
    db.session.rollback()
    return db.session.get_one(Order, 1, populate_existing=True)


def actions() -> list[str]:
    return list(db.session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


def see(order_id: int, *listed: dict[str, Any]) -> None:
    """As a worker that looked at the exchange."""
    with transaction():
        questions.add(order_id, QuestionKind.LOOK, Answer.FOUND, duration_ms=31, listed=list(listed))


def test_page_when_nothing_is_in_doubt_then_says_so(visitor: Visitor) -> None:
    page = visitor.get("/admin/unresolved/").text
    assert "No order is in doubt" in page


def test_page_when_an_order_is_in_doubt_then_leads_from_the_dashboard_to_all_that_is_known(
    visitor: Visitor, trader: User
) -> None:
    key = doubt(trader).client_order_id
    questions.failed(1, utcnow(), 812, TimeoutError("no answer within 10 s"))
    questions.not_found(1, utcnow(), 40, {"order", "open"}, counted=True)
    assert "/admin/unresolved/" in visitor.get("/admin/").text
    listed = visitor.get("/admin/unresolved/").text
    assert "Main account" in listed
    assert "The connection was cut" in listed
    page = visitor.get(PAGE).text
    for words in (
        key, "It may exist", "never sent a second time", "Nothing more is opened on this account and symbol",
        "asked 4 times", "the next question is in", "no answer within 10 s", "812 ms",
        "waiting orders, the order by our id", "It counts as proof", "isolated", PHRASE,
    ):  # fmt: skip
        assert words in page, words
    assert "/admin/unresolved/details/?id=1" in visitor.get("/admin/executions/details/?id=1").text


def test_page_when_the_order_is_settled_then_offers_nothing(visitor: Visitor, trader: User) -> None:
    doubt(trader, state=OrderState.FILLED)
    assert "No order is in doubt" in visitor.get("/admin/unresolved/").text
    page = visitor.get(PAGE).text
    assert "This order is settled: it is filled" in page
    assert "Declare it not placed" not in page
    assert "Ask again" not in page


def test_page_when_a_fan_out_is_being_sent_then_does_not_list_it(visitor: Visitor, trader: User) -> None:
    doubt(trader, age=1, state=OrderState.IN_FLIGHT)
    assert "No order is in doubt" in visitor.get("/admin/unresolved/").text
    assert "A worker is sending it right now" in visitor.get(PAGE).text


def test_ask_again_when_pressed_then_a_worker_is_told_to_ask_now(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    doubt(trader)
    assert visitor.post("/admin/unresolved/ask/1").location == PAGE
    moment = order().next_query_at
    assert moment is not None
    assert moment <= utcnow()
    assert actions() == ["portal.order.asked_again"]
    assert app.extensions["portal_redis"].llen("rq:queue:orders") == 1


def test_look_when_pressed_then_what_a_worker_saw_can_be_chosen(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    doubt(trader)
    visitor.post("/admin/unresolved/look/1")
    assert app.extensions["portal_redis"].llen("rq:queue:watch") == 1
    assert "admin@example.org asked what the exchange shows" in visitor.get(PAGE).text
    fits = {"exchange_order_id": "771", "side": "buy", "filled_quantity": "0.5", "quantity": "0.5"}
    see(1, fits, {**fits, "exchange_order_id": "<b>9</b>", "why_not": "it is a sell, ours is a buy"})
    page = visitor.get(PAGE).text
    assert 'value="771">' in page
    assert "cannot be it: it is a sell" in page
    assert "<b>9</b>" not in page

    visitor.post("/admin/unresolved/adopt/1", {"candidate": "771"})

    wish = db.session.scalars(sa.select(OrderQuestion).order_by(OrderQuestion.id.desc())).first()
    assert wish is not None
    assert (wish.kind, wish.answer, wish.exchange_order_id) == (QuestionKind.ADOPT, Answer.WANTED, "771")
    assert app.extensions["portal_redis"].llen("rq:queue:orders") == 1
    assert order().state is OrderState.UNRESOLVED, "only a worker that read it may record it"


def test_adoption_when_pressed_twice_then_is_asked_for_once(
    app: Flask, visitor: Visitor, trader: User
) -> None:
    doubt(trader)
    for _ in range(2):
        visitor.post("/admin/unresolved/adopt/1", {"exchange_order_id": " 771 "})
    assert "a moment ago" in visitor.get(PAGE).text
    assert world.count(OrderQuestion) == 1
    assert app.extensions["portal_redis"].llen("rq:queue:orders") == 1


@pytest.mark.parametrize("wanted", ["", " ", "7" * 101, "a\nb"])
def test_adoption_when_no_usable_id_is_given_then_is_refused(
    visitor: Visitor, trader: User, wanted: str
) -> None:
    doubt(trader)
    visitor.post("/admin/unresolved/adopt/1", {"exchange_order_id": wanted})
    assert "give the id that the exchange shows" in visitor.get(PAGE).text
    assert world.count(OrderQuestion) == 0


def test_declaration_when_typed_exactly_then_settles_it_once_under_the_persons_name(
    visitor: Visitor, trader: User
) -> None:
    doubt(trader)
    assert visitor.post("/admin/unresolved/declare/1", {"confirmation": PHRASE}).location == PAGE
    assert "Declared not placed" in visitor.get(PAGE).text
    assert order().state is OrderState.NOT_PLACED
    visitor.post("/admin/unresolved/declare/1", {"confirmation": PHRASE})
    assert "was settled in the meantime: it is not placed" in visitor.get(PAGE).text
    entry = db.session.scalars(sa.select(AuditEntry)).one()
    assert (entry.actor, entry.action) == ("admin@example.org", "portal.order.declared_not_placed")
    assert entry.data["error"] == "UNKNOWN"


@pytest.mark.parametrize("typed", ["", "yes", "not placed", PHRASE.upper(), PHRASE.replace("BTC", "ETH")])
def test_declaration_when_typed_wrongly_then_nothing_changes(
    visitor: Visitor, trader: User, typed: str
) -> None:
    doubt(trader)
    visitor.post("/admin/unresolved/declare/1", {"confirmation": typed})
    assert "type exactly" in visitor.get(PAGE).text
    assert order().state is OrderState.UNRESOLVED
    assert actions() == []


def test_declaration_when_the_request_may_still_arrive_then_is_refused(
    visitor: Visitor, trader: User
) -> None:
    doubt(trader, age=6)
    assert deciding.seconds_open(order()) > 10
    visitor.post("/admin/unresolved/declare/1", {"confirmation": PHRASE})
    assert "may still arrive" in visitor.get(PAGE).text
    assert order().state is OrderState.UNRESOLVED
    assert actions() == []


def test_decisions_when_made_by_others_or_without_a_token_then_change_nothing(
    visitor: Visitor, trader_visitor: Visitor, stranger: Visitor, trader: User
) -> None:
    doubt(trader)
    data = {"confirmation": PHRASE, "exchange_order_id": "771"}
    before = order().next_query_at
    for verb in ("ask", "look", "adopt", "declare"):
        path = f"/admin/unresolved/{verb}/1"
        assert trader_visitor.post(path, data).status_code == 403
        assert stranger.post(path, data).status_code == 302
        assert visitor.post_bare(path, data).status_code == 400
        assert visitor.get(path).status_code == 405
        assert visitor.post(f"/admin/unresolved/{verb}/99", data).location.endswith("id=99")
    assert (order().state, order().next_query_at) == (OrderState.UNRESOLVED, before)
    assert world.count(OrderQuestion) == 0
    # Only that forms were sent fields of other forms.
    assert set(actions()) <= {"portal.form.unread_fields"}


def test_owner_when_reading_the_execution_then_is_told_what_goes_on(
    trader_visitor: Visitor, trader: User
) -> None:
    doubt(trader)
    page = trader_visitor.get("/executions/1").text
    assert "It may exist at the exchange" in page
    assert "the next question is in" in page
    assert "/admin/" not in page
