"""Close all, in the browser of an administrator: what it would do, typed, done once, shown live."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.models import AuditEntry, CloseWish, ExecutionPosition, TradingState, User
from portal.trading.types import ConnectionMode, PositionStatus, TradingStateValue
from tests import world
from tests.visiting import Visitor

PAGE = "/admin/positions/close-all"
_KEY = re.compile(r'name="form_key" value="([0-9a-f]{32})"')


@pytest.fixture
def three(trader: User, admin: User) -> None:
    """Two positions of the trader's, one of the house's at another exchange."""
    mine = world.make_connection(trader)
    house = world.make_connection(admin, "House", exchange_name="kraken", mode=ConnectionMode.LIVE)
    world.make_position(mine)
    world.make_position(mine, symbol="ETH/USDT:USDT", currency_pair="ETH/USDT", base="ETH")
    world.make_position(house)


def press(visitor: Visitor, scope: str, **changes: str) -> str:
    """Open the page, press the button; where it leads."""
    name, _, key = scope.partition(":")
    page = visitor.get(f"{PAGE}?scope={name}&key={key}")
    assert page.status_code == 200
    found = _KEY.search(page.text)
    assert found, "there is nothing to press"
    phrase = re.search(r"type <code>([^<]+)</code>", page.text)
    data = {"in": scope, "form_key": found.group(1), "confirmation": phrase.group(1) if phrase else ""}
    answer = visitor.post(PAGE, {**data, **changes})
    assert answer.status_code == 302, answer.text
    return answer.location


def asked() -> set[int]:
    wanted = sa.select(ExecutionPosition.id).where(ExecutionPosition.close_reason.is_not(None))
    return set(db.session.scalars(wanted))


def test_page_when_opened_then_says_what_it_would_close_and_changes_nothing(
    visitor: Visitor, three: None
) -> None:
    assert f'href="{PAGE}"' in visitor.get("/admin/positions/").text
    text = visitor.get(PAGE).text
    assert "real money" in text
    assert "2,884.5" in text, "three times 0.015 at 64 100"
    assert "close everything" in text
    assert "real money" not in visitor.get(f"{PAGE}?scope=exchange&key=sandbox").text
    assert asked() == set()
    assert world.count(CloseWish) == world.count(AuditEntry) == 0


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("everything", {1, 2, 3}), ("exchange:kraken", {3}), ("connection:1", {1, 2}),
        ("symbol:BTC/USDT", {1, 3}), ("symbol:ETH/USDT", {2}), ("user:alice@example.org", {1, 2}),
    ],
)  # fmt: skip
def test_close_all_when_typed_then_asks_for_these_and_no_others(
    app: Flask, visitor: Visitor, three: None, scope: str, expected: set[int]
) -> None:
    assert press(visitor, scope) == f"{PAGE}/1"
    assert asked() == expected
    assert app.extensions["portal_redis"].llen("rq:queue:exits") == len(expected)
    entries = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == [
        "portal.positions.close_all_requested",
        *["portal.position.close_requested"] * len(expected),
    ]
    assert {entry.actor for entry in entries} == {"admin@example.org"}
    assert {entry.data["wish"] for entry in entries[1:]} == {1}
    assert world.count(TradingState) == 0


def test_close_all_when_the_form_is_sent_again_then_leads_to_the_same_page_and_asks_for_nothing(
    app: Flask, visitor: Visitor, three: None
) -> None:
    key = "a" * 32
    for _ in range(3):
        assert press(visitor, "exchange:sandbox", form_key=key) == f"{PAGE}/1"
    assert world.count(CloseWish) == 1
    assert world.count(AuditEntry) == 3
    assert app.extensions["portal_redis"].llen("rq:queue:exits") == 2
    assert "being closed already" in visitor.get(PAGE).text


def test_result_when_positions_close_then_tells_how_far_it_is(visitor: Visitor, three: None) -> None:
    place = press(visitor, "everything", deny_entries="y")
    text = visitor.get(place).text
    assert 'data-refresh="2"' in text
    assert "0 of 3 positions are closed" in text
    assert "Waits for a worker" in text
    assert db.session.scalars(sa.select(TradingState.state)).one() is TradingStateValue.REDUCING
    db.session.execute(
        sa.update(ExecutionPosition).values(status=PositionStatus.CLOSED, realized_pnl=10, quantity=0)
    )
    db.session.commit()
    text = visitor.get(place).text
    assert "All 3 positions are closed" in text
    assert "+30.00" in text
    assert visitor.get(f"{PAGE}/99").status_code == 404


@pytest.mark.parametrize("typed", ["", "yes", "close", "close exchange:kraken", "everything"])
def test_close_all_when_not_typed_exactly_then_nothing_happens_and_what_was_typed_stays(
    visitor: Visitor, three: None, typed: str
) -> None:
    answer = visitor.post(PAGE, {"in": "everything", "form_key": "b" * 32, "confirmation": typed})
    assert answer.status_code == 422
    assert "Nothing was sent" in answer.text
    assert f'value="{typed}"' in answer.text
    assert "b" * 32 in answer.text
    assert asked() == set()
    assert world.count(CloseWish) == 0


@pytest.mark.parametrize(
    "query", ["scope=moon", "scope=connection&key=99", "scope=symbol&key=BTC", "scope=signal&key=x",
              "scope=user&key=<script>", "scope=exchange"],
)  # fmt: skip
def test_page_when_the_scope_means_nothing_then_says_why_and_offers_nothing(
    visitor: Visitor, three: None, query: str
) -> None:
    answer = visitor.get(f"{PAGE}?{query}")
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert "Close all at the market" not in answer.text
    assert "<script>" not in answer.text.replace("<script nonce", "")


def test_page_when_nothing_is_open_there_then_offers_nothing(visitor: Visitor, three: None) -> None:
    text = visitor.get(f"{PAGE}?scope=exchange&key=bybit").text
    assert "Nothing is open at bybit" in text
    assert "Close all at the market" not in text


def test_close_all_when_sent_by_others_or_without_a_token_then_changes_nothing(
    visitor: Visitor, trader_visitor: Visitor, stranger: Visitor, three: None
) -> None:
    data = {"in": "everything", "form_key": "c" * 32, "confirmation": "close everything"}
    assert trader_visitor.post(PAGE, data).status_code == 403
    assert stranger.post(PAGE, data).status_code == 302
    assert visitor.post_bare(PAGE, data).status_code == 400
    assert trader_visitor.get(PAGE).status_code == 403
    assert asked() == set()
    assert visitor.post(PAGE, {**data, "form_key": ""}).status_code == 422
    assert asked() == set()
