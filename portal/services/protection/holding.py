"""An exit that rests at the venue is the venue's to carry out, for a while. Then it is ours again: the second
line. Joins the caller's transaction."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from portal.db import request_job, utcnow
from portal.models import RESTING, ExecutionPosition, Order
from portal.services.protection import rows
from portal.trading.types import OrderRole, PositionSide

#: A venue that has not filled a reached guard by then has jumped it, lost it or reads another price.
GRACE = timedelta(seconds=30)


def left_to_the_venue(position: ExecutionPosition, targets: Iterable[int], mark: Decimal) -> bool:
    """Whether the exit that `mark` calls for (of `targets`, or the stop without any) rests at the venue and
    still has time to fill. Asks for a look at the venue. Does not commit; may be repeated."""
    if not position.guard_version:
        return False
    places: set[int | None] = set(targets) or {None}
    if not any(_will_fire(order, places, position.position_side, mark) for order in rows.live(position.id)):
        position.exit_reached_at = None
        return False
    position.exit_reached_at = position.exit_reached_at or utcnow()
    if utcnow() - position.exit_reached_at >= GRACE:
        return False
    request_job("protect_position", position.id)
    return True


def _will_fire(order: Order, places: set[int | None], side: PositionSide, mark: Decimal) -> bool:
    """Known to rest, and the price has passed its trigger."""
    if order.state not in RESTING or order.proved_at is None or order.target_place not in places:
        return False
    past = (mark - (order.trigger_price or mark)) * side.sign
    return past >= 0 if order.role is OrderRole.TAKE_PROFIT else past <= 0
