"""What the orders of executions come to, for reports and pages. Reads only."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from portal.db import db
from portal.models import Order
from portal.models.order import NEVER_THERE
from portal.trading.numbers import exact
from portal.trading.types import Side


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """All orders of one execution as one: sums, and the ids of the latest."""

    side: Side
    symbol: str
    #: What the quantities count.
    unit: str
    client_order_id: str
    exchange_order_id: str | None
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None


def summaries(execution_ids: Sequence[int]) -> dict[int, OrderSummary]:
    """One summary per execution that has orders, in two queries."""
    by_execution: dict[int, list[Order]] = defaultdict(list)
    query = (
        sa.select(Order)
        .where(Order.execution_id.in_(execution_ids))
        .options(selectinload(Order.position))
        .order_by(Order.id)
    )
    for order in db.session.scalars(query) if execution_ids else ():
        by_execution[order.execution_id or 0].append(order)
    return {execution_id: summarise(orders) for execution_id, orders in by_execution.items()}


def summarise(orders: Sequence[Order]) -> OrderSummary:
    """`orders` by id, at least one."""
    latest = orders[-1]
    # What was never at the exchange counts only when there is nothing else.
    placed = [order for order in orders if order.state not in NEVER_THERE] or [latest]
    filled = [order for order in placed if order.filled_quantity > 0 and order.average_price is not None]
    with exact():
        weight = sum((order.filled_quantity for order in filled), Decimal(0))
        cost = sum((order.filled_quantity * (order.average_price or 0) for order in filled), Decimal(0))
        average = (cost / weight).quantize(Decimal("1e-18")) if weight else None
    return OrderSummary(
        side=latest.side,
        symbol=latest.symbol,
        unit=latest.unit,
        client_order_id=latest.client_order_id,
        exchange_order_id=latest.exchange_order_id,
        quantity=sum((order.quantity for order in placed), Decimal(0)),
        filled_quantity=sum((order.filled_quantity for order in placed), Decimal(0)),
        average_price=average,
    )
