"""The paper account in the words of the contract."""

from collections.abc import Sequence

from portal.exchanges.paper.account import PaperFill, PaperOrder, PaperPosition, money
from portal.trading.numbers import exact, plain
from portal.trading.orders import Fee, FillReport, OrderReport, PositionReport

_PREFIX = "paper-"


def exchange_order_id(number: int) -> str:
    """Looks like no real venue's id, so that the two are never mistaken for each other."""
    return f"{_PREFIX}{number}"


def order_number(exchange_order_id: str | None) -> int | None:
    """The number in one of our ids; None for anything else."""
    digits = (exchange_order_id or "").removeprefix(_PREFIX)
    return int(digits) if digits != exchange_order_id and digits.isascii() and digits.isdecimal() else None


def order_report(order: PaperOrder, fills: Sequence[PaperFill] = ()) -> OrderReport:
    average = None
    if order.filled_quantity:
        with exact():
            average = plain(money(order.filled_value / order.filled_quantity))
    return OrderReport(
        exchange_order_id=exchange_order_id(order.number),
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        state=order.state,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        average_price=average,
        price=order.price,
        trigger_price=order.trigger_price,
        reduce_only=order.reduce_only,
        updated_at=order.updated_at,
        fills=tuple(fill_report(fill) for fill in fills),
    )


def fill_report(fill: PaperFill) -> FillReport:
    return FillReport(
        exchange_fill_id=f"{exchange_order_id(fill.order_number)}-{fill.sequence}",
        exchange_order_id=exchange_order_id(fill.order_number),
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        filled_at=fill.filled_at,
        fees=(Fee(fill.fee_currency, fill.fee),),
        is_maker=fill.is_maker,
    )


def position_report(position: PaperPosition) -> PositionReport:
    return PositionReport(
        symbol=position.symbol,
        position_side=position.side,
        quantity=abs(position.quantity),
        average_entry_price=position.average_entry_price,
    )
