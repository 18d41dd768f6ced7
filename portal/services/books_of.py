"""The book of one position, computed from its stored fills and nothing else."""

from collections.abc import Iterable
from decimal import Decimal

from portal.db import JsonDict
from portal.models import ExecutionPosition, Fill
from portal.trading.instrument import Instrument
from portal.trading.numbers import text
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
        fees=tuple(_fee_of(fee) for fee in fill.fees),
        is_maker=fill.is_maker,
    )


def fees_as_stored(report: FillReport) -> list[JsonDict]:
    """The fees of a fill as its row keeps them: raw, and with their rate where one is known."""
    return [
        {"currency": fee.currency, "cost": text(fee.cost)}
        | ({"rate": text(fee.rate), "rate_source": fee.rate_source} if fee.rate is not None else {})
        for fee in report.fees
    ]


def _fee_of(stored: JsonDict) -> Fee:
    rate = stored.get("rate")
    return Fee(
        stored["currency"],
        Decimal(stored["cost"]),
        None if rate is None else Decimal(rate),
        stored.get("rate_source", ""),
    )


def book_of(position: ExecutionPosition, fills: Iterable[Fill]) -> Book:
    """What `fills` say about `position`. Pure; may be repeated."""
    funding = (position.funding,) if position.funding else ()
    return build_book(
        (report_of(fill) for fill in fills), instrument_of(position), position.position_side, funding=funding
    )
