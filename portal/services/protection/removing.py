"""Taking guards off the venue, and making sure that they are gone. Network; places nothing."""

import time
from collections.abc import Set

from portal.db import transaction
from portal.exchanges.base import Exchange
from portal.models import IN_DOUBT, ExecutionPosition, Order
from portal.models.order import LIVE
from portal.services import resolution
from portal.services.order_refs import cancel_ref_of
from portal.services.protection import rows
from portal.trading.types import MarketType

#: A venue's reads may lag behind its answer to the cancellation.
_LOOKS = 3
_PAUSE_SECONDS = 0.3


def make_way(position_id: int, exchange: Exchange) -> bool:
    """Before a close: take off what could close the same thing once more, or keeps it locked. True when the
    close may go on.

    On derivatives a reduce-only order of the only position cannot close twice: its stop stays until the close
    is done, and only the targets that the close serves go first. Owns its transactions; may be repeated.
    Raises ExchangeError: then nothing is known to be gone."""
    with transaction() as session:
        position = session.get(ExecutionPosition, position_id)
        if position is None or not position.guard_version:
            return True
        alone = position.market_type is MarketType.SWAP and not rows.siblings(position)
        chosen = [
            order.id for order in rows.live(position_id) if order.target_place in position.close_targets
        ]
    return withdraw(position_id, exchange, frozenset(chosen) if alone else None)


def withdraw(position_id: int, exchange: Exchange, chosen: Set[int] | None = None) -> bool:
    """Cancel the `chosen` guards of a position (None: all), book what they filled, and look until they are
    gone. True when none of them can be filled any more, as far as the venue knows.

    One that is in doubt, and that the venue does not have now, keeps nobody from getting out. Owns its
    transactions; may be repeated. Raises ExchangeError."""
    for look in range(_LOOKS):
        with transaction():
            left = _left(position_id, chosen)
            refs = [(order.id, cancel_ref_of(order), order.state) for order in left]
            busy = any(rows.is_being_placed(order) for order in left)
        if busy:
            return False
        if not refs or (look and all(state in IN_DOUBT for _, _, state in refs)):
            return True
        if look > 1:
            time.sleep(_PAUSE_SECONDS)
        for order_id, ref, state in refs:
            if state in LIVE:
                exchange.cancel_order(ref)
            resolution.ask_now(order_id, exchange)
    with transaction():
        return all(order.state in IN_DOUBT for order in _left(position_id, chosen))


def _left(position_id: int, chosen: Set[int] | None) -> list[Order]:
    found = [*rows.live(position_id), *rows.unclear(position_id)]
    return [order for order in found if chosen is None or order.id in chosen]
