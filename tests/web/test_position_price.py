"""What owners and administrators see of a position whose price cannot be used."""

from datetime import timedelta
from decimal import Decimal

from portal.db import db, transaction, utcnow
from portal.models import ExecutionPosition, MarketDoubt, User
from portal.trading.price_sanity import Doubt
from tests import world
from tests.visiting import Visitor
from tests.web.conftest import MakeVisitor


def test_position_with_an_old_price_says_how_old_it_is_and_why(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice, "Main account")
    old = world.make_position(connection, marked_at=utcnow() - timedelta(minutes=4, seconds=5))
    with transaction() as session:
        session.add(
            MarketDoubt(exchange_name=old.exchange_name, symbol=old.symbol, doubt=Doubt.CROSSED, price=None)
        )
    page = visitor.get(f"/positions/{old.id}")
    assert "Its price is 4 min old: the best bid is above the best ask" in page.text


def test_position_with_a_fresh_price_says_nothing_of_it(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice, "Main account")
    fresh = world.make_position(connection, marked_at=utcnow() - timedelta(seconds=70))
    closed = world.make_position(connection, marked_at=utcnow() - timedelta(days=1), status="closed")
    for position in (fresh, closed):
        assert "min old" not in visitor.get(f"/positions/{position.id}").text


def test_dashboard_counts_positions_without_a_usable_price(
    visiting: MakeVisitor, admin: User, alice: User
) -> None:
    connection = world.make_connection(alice, "Main account")
    world.make_position(connection, marked_at=utcnow() - timedelta(minutes=9))
    world.make_position(connection, marked_at=utcnow())
    page = visiting(admin).get("/admin/")
    assert "Without a usable price" in page.text
    assert page.text.split("Without a usable price")[1].split("open positions that")[0].count(">1<") == 1


def test_stop_moved_on_the_page_is_stored_and_a_wrong_one_is_explained(visitor: Visitor, alice: User) -> None:
    connection = world.make_connection(alice, "Main account")
    position = world.make_position(connection, mark_price=Decimal(60_000), tick_size=Decimal("0.01"))
    key, path = position.id, f"/positions/{position.id}/stop"
    assert "Move the stop" in visitor.get(path).text
    refused = visitor.post(path, {"price": "61000"})
    assert refused.status_code == 422
    assert "must be below the price" in refused.text
    assert db.session.get_one(ExecutionPosition, key, populate_existing=True).sl_price != 61_000
    assert visitor.post(path, {"price": "58000"}).status_code == 302
    assert db.session.get_one(ExecutionPosition, key, populate_existing=True).sl_price == 58_000
