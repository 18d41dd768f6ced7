"""The proof behind a position's protection: its orders at the exchange, as they were last read back there.
Reads only, in the caller's transaction; asks no venue."""

from collections import defaultdict
from collections.abc import Sequence

import sqlalchemy as sa

from portal.db import db
from portal.models import ExecutionPosition, Order
from portal.models.order import LIVE
from portal.trading.types import OrderRole

#: Ended guards that are shown beside those that rest.
_ENDED = 5


def resting(position_ids: Sequence[int]) -> dict[int, list[Order]]:
    """Guards of these positions that rest, or may rest, the stop first. One query."""
    found: dict[int, list[Order]] = defaultdict(list)
    wanted = sa.select(Order).where(
        Order.position_id.in_(position_ids), Order.is_guard, Order.state.in_(LIVE)
    )
    for order in db.session.scalars(wanted.order_by(Order.target_place.nulls_first(), Order.id)):
        found[order.position_id or 0].append(order)
    return found


def ended(position_id: int) -> list[Order]:
    """The newest guards that rest no more, newest first: replaced, filled, refused."""
    wanted = sa.select(Order).where(
        Order.position_id == position_id, Order.is_guard, Order.state.not_in(LIVE)
    )
    return list(db.session.scalars(wanted.order_by(Order.id.desc()).limit(_ENDED)))


def is_behind(position: ExecutionPosition, guards: Sequence[Order]) -> bool:
    """Whether what rests at the exchange is not, or not proved to be, the stop that the books want."""
    if position.protection_due_since is not None:
        return True
    stops = [order for order in guards if order.role is OrderRole.STOP_LOSS]
    return any(order.proved_at is None or order.trigger_price != position.sl_price for order in stops)
