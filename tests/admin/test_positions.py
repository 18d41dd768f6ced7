"""Positions for operators: what they are worth, what protects them and the proof of it, and moving a stop."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from portal.db import db, utcnow
from portal.models import AuditEntry, ExecutionPosition, Order, User
from portal.trading.types import (
    ClosedReason,
    OrderRole,
    OrderState,
    OrderType,
    PositionSide,
    PositionStatus,
    Protection,
    Side,
)
from tests import world
from tests.visiting import Visitor

DETAILS = "/admin/positions/details/?id=1"
STOP = "/admin/positions/stop/1"


@pytest.fixture
def position(trader: User, admin: User) -> ExecutionPosition:
    connection = world.make_connection(trader)
    execution = world.make_execution(world.make_signal(admin), connection)
    made = world.make_position(
        connection, execution_id=execution.id, protection=Protection.NATIVE, guard_version=1,
        protection_note="The stop rests at the exchange", protection_checked_at=utcnow(),
        next_tp_price=Decimal(66000), marked_at=utcnow() - timedelta(seconds=125),
    )  # fmt: skip
    guard(made)
    return made


def guard(position: ExecutionPosition, **values: Any) -> Order:
    execution = position.execution_id
    now = utcnow()
    given = {
        "role": OrderRole.STOP_LOSS, "is_guard": True, "order_type": OrderType.STOP, "side": Side.SELL,
        "trigger_price": Decimal(63000), "quantity": Decimal("0.015"), "state": OrderState.OPEN,
        "exchange_order_id": "771", "proved_at": now - timedelta(seconds=305), "acknowledged_at": now,
        "position_id": position.id, "reduce_only": True,
    } | values  # fmt: skip
    assert execution is not None
    return world.make_order(db.session.get_one(world.Execution, execution), **given)


def change(**values: Any) -> None:
    db.session.execute(sa.update(ExecutionPosition).values(**values))
    db.session.commit()


def test_position_when_looked_at_then_shows_prices_results_and_the_proof(
    visitor: Visitor, position: ExecutionPosition
) -> None:
    text = visitor.get(DETAILS).text
    for expected in (
        "64,100", "2 min ago", "+1.49", "+0.16", "−1.72 %", "+2.96 %",
        "771", "63,000", "5 min ago", "It rests with the side, size and price that were asked for",
        "Its stop was read back from the exchange", "/admin/executions/details/?id=1",
    ):  # fmt: skip
        assert expected in text, expected
    assert 'data-refresh="5"' in text
    assert (
        'href="/admin/positions/details/?id=1">Its position'
        in visitor.get("/admin/executions/details/?id=1").text
    )
    guard(position, exchange_order_id="772", state=OrderState.CANCELED, closed_at=utcnow())
    assert "Orders that rest no more" in visitor.get(DETAILS).text


def test_list_when_looked_at_then_every_row_has_its_numbers_and_its_proof(
    visitor: Visitor, position: ExecutionPosition
) -> None:
    text = visitor.get("/admin/positions/").text
    for expected in (
        "64,100", "+0.16", "stop 63,000", "−1.72 % stop", "0.015", "entry", "USDT", "2 min ago",
        'id="rows" data-refresh="5"',
    ):  # fmt: skip
        assert expected in text, expected


def test_protection_when_its_orders_were_read_back_later_then_that_is_when_it_was_looked_at(
    visitor: Visitor, position: ExecutionPosition
) -> None:
    change(protection_checked_at=utcnow() - timedelta(hours=3, minutes=1))
    assert re.search(r"Last looked at [^.]*>5 min ago<", visitor.get(DETAILS).text)
    assert "3 h ago" not in visitor.get("/admin/positions/").text
    guard(position, exchange_order_id="773", proved_at=None)
    assert re.search(r"Last looked at [^.]*>3 h ago<", visitor.get(DETAILS).text), "one was not read back"


def test_list_when_many_positions_are_shown_then_their_proof_takes_one_query(
    visitor: Visitor, position: ExecutionPosition
) -> None:
    connection = position.connection
    assert connection is not None
    for _ in range(20):
        world.make_position(connection)
    asked: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]), named=False)
    assert visitor.get("/admin/positions/").status_code == 200
    assert len([each for each in asked if "orders.is_guard" in each]) == 1
    assert len(asked) < 25


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("flt8_8=alice", 1), ("flt8_8=bob", 0), ("flt9_9=sandbox", 1), ("flt9_9=kraken", 0),
        ("flt10_10=main", 1), ("flt11_11=1", 1), ("flt11_11=99", 0), ("flt0_0=open", 1),
        ("flt2_2=failed", 0), ("flt4_4=BTC", 1),
    ],
)  # fmt: skip
def test_list_when_filtered_then_shows_these_and_no_others(
    visitor: Visitor, position: ExecutionPosition, query: str, rows: int
) -> None:
    answer = visitor.get(f"/admin/positions/?{query}")
    assert answer.status_code == 200
    assert answer.text.count("/admin/positions/details/?id=1") == rows
    assert "is no value" not in answer.text


def test_proof_when_another_stop_rests_than_the_books_want_then_says_what_is_where(
    visitor: Visitor, position: ExecutionPosition
) -> None:
    change(sl_price=Decimal(63500), protection_due_since=utcnow())
    text = visitor.get(DETAILS).text
    assert "At the exchange the stop is still at 63,000" in text
    assert "Until that is proved, Portico watches the new one" in text
    assert "waits for proof" in visitor.get("/admin/positions/").text


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"state": OrderState.UNRESOLVED, "proved_at": None}, "It may exist: its answer was lost"),
        ({"proved_at": None}, "it was not read back yet"),
        ({"error_message": "Reduce-only is missing"}, "Reduce-only is missing"),
    ],
)
def test_proof_when_an_order_is_not_as_it_should_be_then_says_what_was_learnt(
    visitor: Visitor, position: ExecutionPosition, values: dict[str, Any], expected: str
) -> None:
    db.session.execute(sa.update(Order).values(**values))
    db.session.commit()
    assert expected in visitor.get(DETAILS).text


def test_stop_when_moved_then_says_what_was_done_and_what_was_not(
    visitor: Visitor, position: ExecutionPosition
) -> None:
    assert STOP in visitor.get(DETAILS).text
    assert "63,000" in visitor.get(STOP).text
    answer = visitor.post(STOP, {"price": "63500"}, follow_redirects=True).text
    assert "The books have the new stop" in answer
    assert "is not replaced yet" in answer
    assert "At the exchange the stop is still at 63,000" in answer
    assert "there already" in visitor.post(STOP, {"price": "63500.00"}, follow_redirects=True).text
    assert db.session.get_one(ExecutionPosition, 1).sl_price == 63500
    (entry,) = db.session.scalars(sa.select(AuditEntry))
    assert (entry.actor, entry.action) == ("admin@example.org", "portal.position.stop_moved")


@pytest.mark.parametrize("price", ["", "abc", "-1", "64200", "63500.001", "1e999"])
def test_stop_when_the_price_makes_no_sense_then_stays_and_the_reason_stands_there(
    visitor: Visitor, position: ExecutionPosition, price: str
) -> None:
    answer = visitor.post(STOP, {"price": price})
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert "Nothing was changed" in answer.text
    assert f'value="{price}"' in answer.text
    assert db.session.get_one(ExecutionPosition, 1).sl_price == 63000
    assert world.count(AuditEntry) == 0


def test_stop_when_the_position_is_being_closed_then_is_not_moved(
    visitor: Visitor, position: ExecutionPosition
) -> None:
    change(close_reason=ClosedReason.MANUAL)
    assert "being closed" in visitor.get(STOP).text
    assert "Move stop" not in visitor.get(DETAILS).text
    assert "its stop was not moved" in visitor.post(STOP, {"price": "63500"}, follow_redirects=True).text
    change(close_reason=None, status=PositionStatus.CLOSED)
    assert "its stop was not moved" in visitor.post(STOP, {"price": "63500"}, follow_redirects=True).text
    assert db.session.get_one(ExecutionPosition, 1).sl_price == 63000


def test_stop_when_moved_by_others_or_without_a_token_then_stays(
    visitor: Visitor, trader_visitor: Visitor, stranger: Visitor, position: ExecutionPosition
) -> None:
    data = {"price": "63500"}
    assert trader_visitor.post(STOP, data).status_code == 403
    assert stranger.post(STOP, data).status_code == 302
    assert visitor.post_bare(STOP, data).status_code == 400
    assert visitor.get("/admin/positions/stop/99").status_code == 404
    assert db.session.get_one(ExecutionPosition, 1).sl_price == 63000


def test_position_without_a_price_or_of_a_short_is_shown_all_the_same(
    visitor: Visitor, position: ExecutionPosition
) -> None:
    change(
        mark_price=None, marked_at=None, sl_price=None, next_tp_price=None, average_entry_price=None,
        position_side=PositionSide.SHORT,
    )  # fmt: skip
    assert "no price was accepted yet" in visitor.get(DETAILS).text
    assert visitor.get("/admin/positions/").status_code == 200
    assert visitor.get(STOP).status_code == 200
