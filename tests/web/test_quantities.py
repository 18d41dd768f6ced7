"""A quantity never stands without what it counts."""

from decimal import Decimal

import pytest

from portal.db import utcnow
from portal.models import Fill, User
from portal.trading.types import Side, SignalAction
from tests import world
from tests.visiting import Visitor
from tests.web.conftest import MakeVisitor


@pytest.mark.parametrize(
    ("size", "linear", "counted"),
    [("0.01", True, "contracts"), ("1", True, "BTC"), ("1", False, "contracts")],
)
def test_quantity_of_a_perpetual_when_shown_then_stands_with_what_it_counts(
    visitor: Visitor, alice: User, admin: User, visiting: MakeVisitor, size: str, linear: bool, counted: str
) -> None:
    symbol, twelve = "BTC/USDT:USDT", Decimal(12)
    connection = world.make_connection(alice, "Alice, swaps")
    signal = world.make_signal(admin)
    signal.is_published = True
    world.save(signal)
    opened, closed = (
        world.make_execution(each, connection)
        for each in (signal, world.make_signal(admin, action=SignalAction.CLOSE))
    )
    market = {"base": "BTC", "contract_size": size, "linear": linear}
    filled = {"symbol": symbol, "quantity": twelve, "filled_quantity": twelve, "average_price": twelve}
    position = world.make_position(
        connection, symbol=symbol, contract_size=Decimal(size), linear=linear,
        quantity=twelve, entry_quantity=twelve, execution_id=opened.id,
    )  # fmt: skip
    entry = world.make_order(opened, payload={"instrument": market}, **filled)
    # What was booked of somebody else's order knows its position alone.
    world.make_order(closed, position_id=position.id, payload={}, side=Side.SELL, **filled)
    world.save(
        Fill(
            order_id=entry.id, exchange_fill_id="1", exchange_order_id="1", symbol=symbol, side=Side.BUY,
            quantity=twelve, price=twelve, filled_at=utcnow(),
        )
    )  # fmt: skip
    for path in ("/", "/executions", f"/executions/{opened.id}"):
        assert f"Bought 12 {counted} at 12 USDT." in visitor.see(path)
    story = visitor.see(f"/executions/{opened.id}")
    assert f"buy 12 {counted} of {symbol}" in story
    assert f"Bought 12 {counted} at" in story
    assert f"Sold 12 {counted} at 12 USDT." in visitor.see(f"/executions/{closed.id}")
    assert f"12 {counted}" in visitor.see(f"/positions/{position.id}")
    assert f"Bought 12 {counted} at 12 USDT." in visiting(admin).see("/admin/executions/")
    assert f"Bought 12 {counted} at 12 USDT." in visiting(admin).see(
        f"/admin/signals/details/?id={signal.id}"
    )
