"""The guards of one position as the database knows them. Reads only, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import sqlalchemy as sa

from portal.db import db, utcnow
from portal.exchanges.errors import ErrorCode
from portal.models import IN_DOUBT, ExecutionPosition, Order
from portal.models.order import LIVE
from portal.models.position import HELD
from portal.trading.guards import Guard, Resting
from portal.trading.types import OrderRole, OrderState

#: On a guard that rests, but not as it was asked for.
NOT_AS_ASKED = "NOT_AS_ASKED"
_CANNOT = (ErrorCode.UNSUPPORTED.value, ErrorCode.BAD_REQUEST_LOCAL.value)
_ZERO = Decimal(0)


def live(position_id: int) -> list[Order]:
    """Guards that rest or may rest."""
    wanted = sa.select(Order).where(Order.position_id == position_id, Order.is_guard, Order.state.in_(LIVE))
    fresh = wanted.order_by(Order.id).execution_options(populate_existing=True)
    return list(db.session.execute(fresh).scalars())


def unclear(position_id: int) -> list[Order]:
    """Guards that ended, of which not every fill is known yet."""
    ended = sa.and_(Order.closed_at.is_not(None), ~Order.fills_complete)
    wanted = sa.select(Order).where(Order.position_id == position_id, Order.is_guard, ended)
    return list(db.session.execute(wanted.order_by(Order.id)).scalars())


def resting(orders: list[Order]) -> list[Resting]:
    """`orders` in the words of the decision."""
    return [Resting(order.id, _guard(order), in_doubt=order.state in IN_DOUBT) for order in orders]


def served(position_id: int) -> Mapping[int, Decimal]:
    """What resting targets have closed so far, by their place."""
    rows = db.session.execute(
        sa.select(Order.target_place, Order.filled_quantity).where(
            Order.position_id == position_id, Order.is_guard, Order.target_place.is_not(None)
        )
    )
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for place, filled in rows:
        sums[place or 0] += filled
    return sums


def stop_impossible(position_id: int) -> str | None:
    """Why no stop of this position can be said at its venue at all; None when it can."""
    return db.session.execute(
        sa.select(Order.error_message)
        .where(
            Order.position_id == position_id,
            Order.is_guard,
            Order.role == OrderRole.STOP_LOSS,
            Order.error_code.in_(_CANNOT),
        )
        .limit(1)
    ).scalar_one_or_none()


def siblings(position: ExecutionPosition) -> list[ExecutionPosition]:
    """Other open positions that a resting order of this one could shrink."""
    other = ExecutionPosition
    wanted = sa.select(other).where(
        other.connection_id == position.connection_id,
        other.symbol == position.symbol,
        other.position_side == position.position_side,
        other.status.in_(HELD),
        other.id != position.id,
    )
    return list(db.session.execute(wanted.order_by(other.id)).scalars())


def _guard(order: Order) -> Guard:
    left = _ZERO if order.error_code == NOT_AS_ASKED else order.quantity - order.filled_quantity
    return Guard(
        role=order.role,
        place=order.target_place,
        side=order.side,
        quantity=left,
        trigger_price=order.trigger_price or _ZERO,
        price=order.price,
        reduce_only=order.reduce_only,
    )


def is_being_placed(order: Order) -> bool:
    """Somebody is sending it at this moment, and is not late yet: what is not there is not in doubt yet."""
    waits = order.next_query_at is not None and order.next_query_at > utcnow()
    return order.state is OrderState.IN_FLIGHT and waits
