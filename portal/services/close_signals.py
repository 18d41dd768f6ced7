"""Signals that close: `action: close`, and spot sells of what Portico itself holds."""

import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.models import RESTING, Execution, ExecutionPosition, Order
from portal.services import claims, closing, outcomes, positions, resolution, venues
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.orders import OrderRef
from portal.trading.types import (
    ClosedReason,
    ExecutionStatus,
    MarketType,
    OrderRole,
    OrderType,
    PositionMode,
    PositionStatus,
)


def sells_own(execution: Execution, denial: Denial) -> bool:
    """True when a spot sell was denied because what it would sell is Portico's own open position: selling
    it is what the signal means, and the position's books must know. Reads only."""
    if denial.code not in (DenialCode.OPPOSITE_POSITION_OPEN, DenialCode.NOTHING_TO_SELL):
        return False
    mine = _targets(execution).where(ExecutionPosition.market_type == MarketType.SPOT)
    found = db.session.execute(mine.limit(1)).first() is not None
    end_read()
    return found


def run(execution: Execution, token: str) -> Denial | None:
    """Cancel the entries of the pair that still wait at the exchange, and close every open position; each
    gets its own order.

    A close without either is a recorded no-op (NOTHING_TO_CLOSE). Where an account can be long and short at
    once, `direction` names the direction of the signal that opened. Owns its transactions; repeatable like
    `executions.run`. Raises ExchangeError when an entry could not be canceled: nothing was closed then."""
    canceled = _cancel_waiting_entries(execution)
    with transaction() as session:
        mine = claims.lock_mine(execution.id, token)
        if mine is None:
            return None
        targets = list(session.execute(_targets(mine).with_for_update()).scalars())
        mine.read_at = utcnow()
        asked = [
            position.id
            for position in targets
            if positions.want_close(position, ClosedReason.SIGNAL, execution_id=mine.id)
        ]
        if not asked and canceled:
            outcomes.finish(mine, ExecutionStatus.CANCELED, message=f"{canceled} waiting entry was canceled")
            return None
        if not asked:
            return deny(DenialCode.NOTHING_TO_CLOSE)
        mine.status = ExecutionStatus.IN_FLIGHT
        mine.intended_at = utcnow()
    for position_id in asked:
        closing.run_close(position_id)
    return None


def _cancel_waiting_entries(execution: Execution) -> int:
    """Cancel at the exchange what could still open a position; what was filled meanwhile is booked and then
    closed."""
    connection = execution.connection
    waiting = list(
        db.session.execute(
            sa.select(Order.id, Order.client_order_id, Order.exchange_order_id, Order.symbol, Order.sent_at)
            .add_columns(Order.order_type)
            .where(
                Order.connection_id == execution.connection_id,
                Order.role == OrderRole.ENTRY,
                Order.state.in_(RESTING),
                sa.func.split_part(Order.symbol, ":", 1) == execution.lane,
            )
        )
    )
    end_read()
    if not waiting or connection is None:
        return 0
    with venues.exchange_for(connection) as exchange:
        for row in waiting:
            ref = OrderRef(row[1], row[3], row[4], row[2], trigger=row[5] is OrderType.STOP)
            exchange.cancel_order(ref)
    with transaction() as session:
        session.execute(
            sa.update(Order).where(Order.id.in_([row[0] for row in waiting])).values(next_query_at=utcnow())
        )
    for row in waiting:
        resolution.resolve(row[0])
    return len(waiting)


def _targets(execution: Execution) -> sa.Select[ExecutionPosition]:
    wanted = sa.select(ExecutionPosition).where(
        ExecutionPosition.connection_id == execution.connection_id,
        sa.func.split_part(ExecutionPosition.symbol, ":", 1) == execution.lane,
        ExecutionPosition.status == PositionStatus.OPEN,
    )
    connection = execution.connection
    if connection is not None and connection.position_mode is PositionMode.HEDGE:
        side = "long" if execution.direction.value == "buy" else "short"
        wanted = wanted.where(ExecutionPosition.position_side == side)
    return wanted.order_by(ExecutionPosition.id)
