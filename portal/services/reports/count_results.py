"""Adds up closed positions: per day, and per connection, market and source of signals. Reads only."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.models import Execution, ExecutionPosition, Order, Signal
from portal.services.reports.figures import Key, Sums
from portal.services.reports.stretch import Stretch
from portal.trading.types import OrderRole, Side

#: What results are added up by. A preset is found through its connection.
KINDS = ("day", "connection", "symbol", "source")
_WORSE = sa.case(
    (Order.side == Side.BUY, Order.average_price - Order.reference_price),
    else_=Order.reference_price - Order.average_price,
)
#: How far an entry was from the price that was assumed; positive is worse.
SLIPPED_BPS = _WORSE / sa.func.nullif(Order.reference_price, 0) * 10_000


def results(stretch: Stretch, kinds: Collection[str] = KINDS) -> dict[Key, Sums]:
    """Positions closed in the stretch, in one reading."""
    trade = _trades(stretch, kinds)
    pnl, bps = trade.c.pnl, trade.c.bps
    by = {kind: [trade.c[kind]] for kind in kinds}
    if "connection" in by:
        by["connection"].append(trade.c.connection_id)
    rows = db.session.execute(
        sa.select(
            trade.c.settle,
            sa.case(*((sa.func.grouping(trade.c[kind]) == 0, kind) for kind in kinds)),
            sa.func.coalesce(*(trade.c[kind] for kind in kinds)),
            trade.c.connection_id if "connection" in by else sa.null(),
            sa.func.count(),
            sa.func.count().filter(pnl > 0),
            sa.func.count().filter(pnl < 0),
            sa.func.sum(pnl),
            sa.func.coalesce(sa.func.sum(pnl).filter(pnl > 0), 0),
            sa.func.coalesce(-sa.func.sum(pnl).filter(pnl < 0), 0),
            sa.func.sum(trade.c.fees),
            sa.func.coalesce(sa.func.sum(bps), 0),
            sa.func.count(bps),
        ).group_by(sa.func.grouping_sets(*(sa.tuple_(trade.c.settle, *columns) for columns in by.values())))
    ).all()
    return {Key(*row[:4]): Sums(*row[4:]) for row in rows}


def _trades(stretch: Stretch, kinds: Collection[str]) -> sa.Subquery:
    """One row for each closed position: what it is counted by, its result, and how far its entry slipped. The
    entry is the first order that was filled, where a proof of absence led to a second."""
    position = ExecutionPosition
    names: dict[str, Any] = {
        "day": sa.cast(sa.func.date(sa.func.timezone("UTC", position.closed_at)), sa.Text),
        "connection": position.connection_name,
        "symbol": position.symbol,
        "source": sa.func.coalesce(Signal.source, "unknown"),
    }
    slipped = (
        sa.select(SLIPPED_BPS.label("bps"))
        .where(
            Order.position_id == position.id,
            Order.role == OrderRole.ENTRY,
            Order.average_price.is_not(None),
        )
        .order_by(Order.id)
        .limit(1)
        .correlate(position)
        .lateral()
    )
    rows = (
        sa.select(
            *(names[kind].label(kind) for kind in kinds),
            position.connection_id,
            position.settle,
            position.realized_pnl.label("pnl"),
            position.fees,
            slipped.c.bps,
        )
        .select_from(position)
        .outerjoin(slipped, sa.true())
    )
    if "source" in kinds:
        rows = rows.outerjoin(Execution, Execution.id == position.execution_id).outerjoin(
            Signal, Signal.id == Execution.signal_id
        )
    return rows.where(*stretch.holds(position, position.closed_at)).subquery()
