"""What is not ours, on its own page and on that of its owner: read by them, changed by nobody."""

import pytest
from flask import Flask

from portal.db import utcnow
from portal.models import ForeignHolding, User
from portal.trading.types import ConnectionMode, ForeignKind
from tests import world
from tests.visiting import Visitor, visit


@pytest.mark.usefixtures("panel")
def test_page_of_foreign_things_shows_each_with_its_account(visitor: Visitor) -> None:
    page = visitor.get("/admin/foreign/").text
    assert "Not ours" in page
    assert "ETH/USDT:USDT" in page
    assert "0.75" in page
    details = visitor.get("/admin/foreign/details/?id=1").text
    assert "First seen" in details
    for way in ("new/", "edit/?id=1"):
        assert visitor.get(f"/admin/foreign/{way}").status_code in (302, 403, 404), way
    assert world.count(ForeignHolding) == 1


def test_owner_sees_what_is_there_and_nobody_else_does(app: Flask, trader: User, admin: User) -> None:
    connection = world.make_connection(trader)
    other = world.make_connection(world.make_user("bob@example.org"), "bobs")
    world.make_foreign(connection)
    world.make_foreign(
        connection, kind=ForeignKind.ORDER, exchange_order_id="7", symbol="GONE/USDT", gone_at=utcnow()
    )
    world.make_foreign(other, symbol="SOL/USDT:USDT")
    page = visit(app, trader).get(f"/connections/{connection.id}").text
    assert "ETH/USDT:USDT" in page
    assert "Portico did not send it" in page
    assert "GONE/USDT" not in page
    assert "SOL/USDT" not in page
    assert visit(app, trader).get(f"/connections/{other.id}").status_code == 404


def test_account_says_when_it_was_compared_and_what_cannot_be(app: Flask, trader: User) -> None:
    connection = world.make_connection(trader)
    page = visit(app, trader).get(f"/connections/{connection.id}").text
    assert "not since the start" in page
    assert "Not ours" not in page
    assert "does not list all of them at once" not in page
    connection.reconciled_at = utcnow()
    connection.exchange_name, connection.mode = "deribit", ConnectionMode.LIVE
    connection.reconcile_note = "This exchange cannot list the positions."
    world.save(connection)
    page = visit(app, trader).get(f"/connections/{connection.id}").text
    assert "cannot list the positions" in page
    assert "does not list all of them at once" in page
    assert "not since the start" not in page
