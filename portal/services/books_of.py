"""The book of one position, computed from its stored fills and nothing else."""

from collections.abc import Iterable
from decimal import Decimal

from portal.models import ExecutionPosition, Fill
from portal.trading.instrument import Instrument
from portal.trading.orders import Fee, FillReport
from portal.trading.pnl import Book, build_book


def instrument_of(position: ExecutionPosition) -> Instrument:
    """The market as it was when the position was opened."""
    return Instrument(
        symbol=position.symbol,
        base=position.base,
        quote=position.quote,
        settle=position.settle,
        market_type=position.market_type,
        tick_size=position.tick_size,
        lot_size=position.lot_size,
        linear=position.linear,
        contract_size=position.contract_size,
        min_quantity=position.min_quantity,
    )


def report_of(fill: Fill) -> FillReport:
    """A stored fill as the report it came from."""
    return FillReport(
        exchange_fill_id=fill.exchange_fill_id,
        exchange_order_id=fill.exchange_order_id,
        symbol=fill.symbol,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        filled_at=fill.filled_at,
        fees=tuple(Fee(fee["currency"], Decimal(fee["cost"])) for fee in fill.fees),
        is_maker=fill.is_maker,
    )


def book_of(position: ExecutionPosition, fills: Iterable[Fill]) -> Book:
    """What `fills` say about `position`. Pure; may be repeated."""
    funding = (position.funding,) if position.funding else ()
    return build_book(
        (report_of(fill) for fill in fills), instrument_of(position), position.position_side, funding=funding
    )
