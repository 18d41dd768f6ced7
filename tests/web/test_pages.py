"""What account owners read on their pages."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from portal.db import utcnow
from portal.models import User
from portal.trading.types import ExecutionStatus, NotificationType, PositionStatus, Protection
from tests import world
from tests.visiting import Visitor
from tests.web.conftest import MakeVisitor

PAGES = (
    "/",
    "/connections",
    "/connections/new",
    "/positions",
    "/positions?show=all",
    "/executions",
    "/notifications",
)


@pytest.mark.parametrize("path", PAGES)
def test_page_without_a_login_leads_to_the_login_form(
    app: object, visiting: MakeVisitor, alice: User, path: str
) -> None:
    stranger = visiting(alice).client.application.test_client()
    answer = stranger.get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=" if path != "/" else "/login")


@pytest.mark.parametrize("path", PAGES)
def test_page_of_somebody_new_says_what_to_do_next(visitor: Visitor, path: str) -> None:
    page = visitor.get(path)
    assert page.status_code == 200
    assert " onclick=" not in page.text
    assert " style=" not in page.text
    if path != "/connections/new":
        assert 'class="empty"' in page.text


def test_home_shows_everything_that_belongs_to_its_owner(visitor: Visitor, alice: User, admin: User) -> None:
    world.make_plan("Gold", alice)
    connection = world.make_connection(alice, "Main account", last_connected_at=utcnow())
    world.make_connection(
        alice, "Broken account", status="error", last_error="The key was refused by the exchange."
    )
    signal = world.make_signal(admin)
    filled = world.make_execution(signal, connection)
    world.make_order(
        filled, filled_quantity=Decimal("0.5"), average_price=Decimal(64000), quantity=Decimal("0.5")
    )
    world.make_execution(
        world.make_signal(admin, currency_pair="DOGE/USDT"),
        connection,
        status=ExecutionStatus.DENIED,
        code="SYMBOL_NOT_ALLOWED",
        message="DOGE/USDT is not on the preset's list.",
    )
    world.make_position(connection)
    world.make_notification(alice, "BTC/USDT was bought")
    home = visitor.see("/")
    for expected in (
        "Main account",
        "healthy",
        "The key was refused by the exchange.",
        "1 in error",
        "BTC/USDT",
        "64,000.5",
        "64,100",
        "+1.49 USDT",
        "63,000",
        "DOGE/USDT is not on the preset's list.",
        "BTC/USDT was bought",
        "0.5 of 0.5",
    ):
        assert expected in home, expected
    assert "no current subscription" not in home


def test_home_warns_who_has_an_account_but_no_plan(visitor: Visitor, alice: User) -> None:
    world.make_connection(alice)
    assert "no current subscription" in visitor.see("/")


def test_home_of_an_administrator_shows_their_accounts_and_notices_to_all_administrators(
    visiting: MakeVisitor, admin: User, alice: User
) -> None:
    world.make_connection(admin, "House")
    world.make_connection(alice, "Alice's")
    world.make_notification(None, "Trading was halted", type=NotificationType.HALT)
    home = visiting(admin).see("/")
    assert "House" in home
    assert "Trading was halted" in home
    assert "Alice's" not in home
    assert "no current subscription" not in home


@pytest.mark.parametrize("status", list(ExecutionStatus))
def test_execution_without_a_message_is_still_explained(
    visitor: Visitor, alice: User, admin: User, status: ExecutionStatus
) -> None:
    execution = world.make_execution(world.make_signal(admin), world.make_connection(alice), status=status)
    page = visitor.see(f"/executions/{execution.id}")
    assert status.value.replace("_", " ") in page
    assert "None" not in page


def test_execution_page_tells_the_story_with_times(visitor: Visitor, alice: User, admin: User) -> None:
    start = utcnow() - timedelta(minutes=3)
    execution = world.make_execution(
        world.make_signal(admin),
        world.make_connection(alice),
        created_at=start,
        claimed_at=start + timedelta(milliseconds=7),
        read_at=start + timedelta(milliseconds=49),
    )
    order = world.make_order(execution, exchange_order_id="venue-77")
    world.make_log(execution, "placed", "Market buy of 0.5 BTC was sent.", duration_ms=81)
    world.make_log(execution, "filled", "All of it is filled.")
    page = visitor.see(f"/executions/{execution.id}")
    for expected in (
        "Waiting for a worker 7 ms",
        "Reading balance and prices 42 ms",
        "81 ms",
        "Market buy of 0.5 BTC was sent.",
        order.client_order_id,
        "venue-77",
        "3 min ago",
    ):
        assert expected in page, expected
    assert page.index("was sent") < page.index("All of it is filled")


def test_position_page_shows_exits_and_says_when_nobody_watches_the_stop(
    visitor: Visitor, alice: User
) -> None:
    targets = [
        {"price": "66000", "close_fraction": "0.5", "done": True},
        {"price": "68000", "close_fraction": "0.5", "done": False},
    ]
    position = world.make_position(
        world.make_connection(alice), protection=Protection.FAILED, tp_prices=targets
    )
    page = visitor.see(f"/positions/{position.id}")
    for expected in ("63,000", "66,000 done", "68,000", "No stop could be proved", "+1.49 USDT"):
        assert expected in page, expected


def test_open_positions_are_listed_first_and_closed_ones_on_demand(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice)
    world.make_position(connection, currency_pair="ETH/USDT")
    world.make_position(
        connection,
        currency_pair="SOL/USDT",
        status=PositionStatus.CLOSED,
        closed_reason="tp",
        realized_pnl=Decimal("-3"),
    )
    assert "SOL/USDT" not in visitor.see("/positions")
    everything = visitor.see("/positions?show=all")
    assert "ETH/USDT" in everything
    assert "SOL/USDT" in everything
    assert "\N{MINUS SIGN}3.00 USDT" in everything
    assert "take-profit" in everything


def test_executions_can_be_filtered_and_are_paged(visitor: Visitor, alice: User, admin: User) -> None:
    connection = world.make_connection(alice)
    for number in range(27):
        signal = world.make_signal(admin, currency_pair=f"C{number}/USDT")
        status = ExecutionStatus.DENIED if number == 26 else ExecutionStatus.FILLED
        world.make_execution(signal, connection, status=status)
    first = visitor.get("/executions")
    assert "C26/USDT" in first.text
    assert "C1/USDT" not in first.text
    assert 'href="/executions?before=3"' in first.text
    second = visitor.see("/executions?before=3")
    assert "C1/USDT" in second
    assert "C0/USDT" in second
    assert "C2/USDT" not in second
    filtered = visitor.see("/executions?status=denied")
    assert "C26/USDT" in filtered
    assert "C25/USDT" not in filtered
    assert "No execution has this status" in visitor.see("/executions?status=rejected")
    for odd in (
        "before=x",
        "before=99999999999999999999999",
        "status=%27",
        "before=-1",
        "endpoint=x&before=3",
    ):
        assert visitor.get(f"/executions?{odd}").status_code == 200


def test_text_from_outside_is_never_markup(visitor: Visitor, alice: User, admin: User) -> None:
    evil = "<script>alert(1)</script>"
    connection = world.make_connection(
        alice, evil, status="error", last_error=evil, facts={evil: evil}, last_tested_at=utcnow()
    )
    execution = world.make_execution(
        world.make_signal(admin), connection, status=ExecutionStatus.DENIED, message=evil
    )
    world.make_log(execution, evil, evil)
    world.make_notification(alice, evil, body=evil)
    world.make_position(connection, execution_id=execution.id)
    paths = (
        "/",
        "/connections",
        f"/connections/{connection.id}",
        "/executions",
        "/executions/1",
        "/positions/1",
        "/notifications",
    )
    for path in paths:
        page = visitor.get(path)
        assert page.status_code == 200
        assert evil not in page.text
        assert "&lt;script&gt;" in page.text


def test_home_when_much_is_unread_then_shows_the_newest_and_leads_to_the_others(
    visitor: Visitor, alice: User
) -> None:
    world.make_connection(alice)
    for number in range(5):
        world.make_notification(alice, f"News {number} of many")
    page = visitor.get("/").text
    assert re.findall(r"News \d of many", page) == [f"News {number} of many" for number in (4, 3, 2)]
    assert 'href="/notifications?show=unread"' in page
    assert visitor.see("/notifications?show=unread").count(" of many") == 5


def test_number_of_unread_notifications_stands_in_the_navigation(
    visitor: Visitor, alice: User, bob: User
) -> None:
    for user in (alice, alice, bob):
        world.make_notification(user)
    assert 'aria-label="Notifications, 2 unread"' in visitor.get("/positions").text


def test_filled_execution_when_read_then_says_what_was_bought_and_at_which_price(
    visitor: Visitor, alice: User
) -> None:
    connection = world.make_connection(alice, "Alice, spot")
    execution = world.make_execution(world.make_signal(alice), connection)
    half = Decimal("0.5")
    world.make_order(execution, quantity=half, filled_quantity=half, average_price=Decimal("60000.5"))
    for path in ("/", "/executions", f"/executions/{execution.id}"):
        assert "Bought 0.5 BTC at 60,000.5 USDT." in visitor.see(path)
