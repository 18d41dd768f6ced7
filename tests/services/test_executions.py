"""From a published signal to an order at the exchange, one connection at a time."""

from decimal import Decimal

from portal.services import books
from portal.trading.types import ExecutionStatus, OrderState, PositionStatus
from tests.services.desk import Desk


def test_market_buy_when_published_is_filled_and_opens_a_position(desk: Desk) -> None:
    desk.account()
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade(sl="49000", tp=["51000", "52000"])
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert desk.accepted() == 1
    order, position = desk.order(), desk.position()
    assert order.state is OrderState.FILLED
    assert order.exchange_order_id is not None
    assert position.status is PositionStatus.OPEN
    assert Decimal(0) < position.quantity <= order.filled_quantity
    assert position.sl_price == 49_000
    assert [target["price"] for target in position.tp_prices] == ["51000", "52000"]
    assert set(execution.steps_ms()) == {"queue", "read", "plan", "place", "record"}
    assert books.verify() == []


def test_execution_when_run_again_sends_nothing(desk: Desk) -> None:
    desk.account()
    execution = desk.trade()
    for _ in range(3):
        desk.run(execution)
    assert desk.accepted() == 1
    assert len(desk.orders()) == 1


def test_execution_when_its_preset_row_was_made_invalid_is_denied_and_sends_nothing(desk: Desk) -> None:
    desk.account(preset=desk.preset(sizing_value=Decimal(-1)))
    execution = desk.trade()
    assert execution.status is ExecutionStatus.DENIED
    assert execution.code == "INTERNAL_ERROR"
    assert desk.accepted() == 0
