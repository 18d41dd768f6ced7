"""What lists and reports say: exact numbers, times in UTC, pages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from portal.models import User
from portal.trading.types import ExecutionStatus, OrderState, PositionStatus
from tests import world
from tests.api.conftest import Caller


def body(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json


def test_signal_is_shown_with_plain_numbers_and_utc_times(as_admin: Caller, admin: User) -> None:
    signal = world.make_signal(
        admin,
        open_price=Decimal("64000.500000"),
        sl=Decimal("1E+3"),
        tp=[Decimal(70000), Decimal("0.000000000000000001")],
        expires_at=datetime(2030, 1, 31, 13, 0, 0, 5000, tzinfo=UTC),
        dedupe_key="k1",
        source="api",
    )
    shown = body(as_admin.get(f"/api/v1/signals/{signal.id}"))
    assert (shown["open_price"], shown["sl"], shown["tp"]) == (
        "64000.5",
        "1000",
        ["70000", "0.000000000000000001"],
    )
    assert shown["expires_at"] == "2030-01-31T13:00:00.005Z"
    assert shown["created_at"].endswith("Z")
    assert (shown["dedupe_key"], shown["plans"], shown["executions"]) == ("k1", [], 0)


def test_report_of_an_execution_without_an_order_has_nulls_and_the_reason(
    as_admin: Caller, admin: User
) -> None:
    signal = world.make_signal(admin)
    world.make_execution(
        signal,
        world.make_connection(admin, "House"),
        status=ExecutionStatus.DENIED,
        code="NOTHING_TO_SELL",
        message="There is nothing to sell.",
    )
    answer = body(as_admin.get(f"/api/v1/signals/{signal.id}/executions"))
    assert answer == {
        "next": None,
        "items": [
            {
                "id": 1,
                "connection_id": 1,
                "connection": "House",
                "status": "denied",
                "code": "NOTHING_TO_SELL",
                "message": "There is nothing to sell.",
                "client_order_id": None,
                "exchange_order_id": None,
                "quantity": None,
                "filled_quantity": None,
                "average_price": None,
                "steps_ms": {},
            }
        ],
    }


def test_report_of_a_filled_execution_has_its_order_and_its_steps(as_admin: Caller, admin: User) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    steps = {
        name: start + timedelta(milliseconds=ms)
        for name, ms in {
            "claimed_at": 5,
            "read_at": 25,
            "intended_at": 30,
            "answered_at": 110,
            "finished_at": 120,
        }.items()
    }
    signal = world.make_signal(admin)
    execution = world.make_execution(signal, world.make_connection(admin), created_at=start, **steps)
    order = world.make_order(
        execution,
        quantity=Decimal("0.0150"),
        filled_quantity=Decimal("0.015"),
        average_price=Decimal("64000.10"),
        exchange_order_id="77",
    )
    item = body(as_admin.get(f"/api/v1/signals/{signal.id}/executions"))["items"][0]
    assert item["client_order_id"] == order.client_order_id
    assert (item["exchange_order_id"], item["quantity"], item["filled_quantity"], item["average_price"]) == (
        "77",
        "0.015",
        "0.015",
        "64000.1",
    )
    assert item["steps_ms"] == {"queue": 5, "read": 20, "plan": 5, "place": 80, "record": 10}


def test_report_adds_up_several_orders_but_not_those_that_were_never_placed(
    as_admin: Caller, admin: User
) -> None:
    signal = world.make_signal(admin)
    execution = world.make_execution(signal, world.make_connection(admin))
    world.make_order(execution, quantity=Decimal(5), state=OrderState.NOT_PLACED)
    world.make_order(execution, quantity=Decimal(1), filled_quantity=Decimal(1), average_price=Decimal(100))
    latest = world.make_order(
        execution,
        quantity=Decimal(3),
        filled_quantity=Decimal(3),
        average_price=Decimal(104),
        exchange_order_id="9",
    )
    item = body(as_admin.get(f"/api/v1/signals/{signal.id}/executions"))["items"][0]
    assert (item["quantity"], item["filled_quantity"], item["average_price"]) == ("4", "4", "103")
    assert (item["client_order_id"], item["exchange_order_id"]) == (latest.client_order_id, "9")


def test_report_of_an_order_that_was_not_placed_shows_it_with_nothing_filled(
    as_admin: Caller, admin: User
) -> None:
    signal = world.make_signal(admin)
    execution = world.make_execution(signal, world.make_connection(admin), status=ExecutionStatus.NOT_PLACED)
    world.make_order(execution, quantity=Decimal(5), state=OrderState.NOT_PLACED)
    item = body(as_admin.get(f"/api/v1/signals/{signal.id}/executions"))["items"][0]
    assert (item["quantity"], item["filled_quantity"], item["average_price"]) == ("5", "0", None)


def test_positions_can_be_filtered_by_status_and_connection(as_alice: Caller, alice: User) -> None:
    first, second = world.make_connection(alice, "One"), world.make_connection(alice, "Two")
    world.make_position(first)
    world.make_position(first, status=PositionStatus.CLOSED)
    world.make_position(second)

    def ids(query: str) -> list[int]:
        return [item["id"] for item in body(as_alice.get(f"/api/v1/positions{query}"))["items"]]

    assert ids("") == [1, 2, 3]
    assert ids("?status=open") == [1, 3]
    assert ids(f"?status=open&connection_id={first.id}") == [1]
    assert ids(f"?status=liquidated&connection_id={first.id}") == []


def test_position_is_shown_with_plain_numbers(as_alice: Caller, alice: User) -> None:
    world.make_position(world.make_connection(alice, "One"), realized_pnl=Decimal("-0.10"))
    shown = body(as_alice.get("/api/v1/positions"))["items"][0]
    assert (shown["quantity"], shown["unrealized_pnl"], shown["realized_pnl"]) == ("0.015", "1.4925", "-0.1")
    assert (shown["side"], shown["sl_price"], shown["currency"]) == ("long", "63000", "USDT")
    assert shown["tp_prices"] == [{"price": "66000", "close_fraction": "1", "done": False}]


def test_list_in_pages_gives_every_row_once(as_alice: Caller, alice: User) -> None:
    connection = world.make_connection(alice)
    for _ in range(7):
        world.make_position(connection)
    seen, after = [], ""
    for _ in range(4):
        page = body(as_alice.get(f"/api/v1/positions?limit=3{after}"))
        seen.append([item["id"] for item in page["items"]])
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [[1, 2, 3], [4, 5, 6], [7]]


def test_page_that_ends_with_the_last_row_has_no_next(as_alice: Caller, alice: User) -> None:
    connection = world.make_connection(alice)
    for _ in range(3):
        world.make_position(connection)
    assert body(as_alice.get("/api/v1/positions?limit=3"))["next"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=1e2", "limit"),
        ("limit=%D9%A3", "limit"),
        ("after=x", "after"),
        ("after=0", "after"),
        ("after=-5", "after"),
        ("after=99999999999999999999", "after"),
        ("after=", "after"),
        ("status=opened", "status"),
        ("status=", "status"),
        ("connection_id=x", "connection_id"),
        ("connection_id=1%27%20OR%201=1", "connection_id"),
        ("stauts=open", "stauts"),
    ],
)
def test_query_that_cannot_be_meant_is_refused_with_a_reason(
    as_alice: Caller, query: str, field: str
) -> None:
    answer = as_alice.get(f"/api/v1/positions?{query}")
    assert answer.status_code == 422
    assert answer.json is not None
    assert list(answer.json["error"]["fields"]) == [field]


def test_connections_are_listed_with_health_and_preset(as_alice: Caller, alice: User) -> None:
    world.make_connection(alice, "One", last_error="refused", status="error")
    shown = body(as_alice.get("/api/v1/connections"))["items"][0]
    assert (shown["name"], shown["health"], shown["last_error"]) == ("One", "error", "refused")
    assert (shown["has_credentials"], shown["preset"], shown["mode"]) == (True, None, "paper")
