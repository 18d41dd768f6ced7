"""The last price that was accepted for a market: what a new one is judged by. Reads only."""

from collections import defaultdict
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from portal.db import db, end_read
from portal.models import ExecutionPosition
from portal.models.position import HELD
from portal.trading.price_sanity import Anchor

#: Positions whose prices are looked at.
WATCHED = HELD

_LIVE = ExecutionPosition.status.in_(WATCHED)
_NEWEST = (
    ExecutionPosition.exchange_name,
    ExecutionPosition.symbol,
    ExecutionPosition.marked_at.desc().nulls_last(),
)


def watched() -> Mapping[str, Mapping[str, Anchor | None]]:
    """Markets of all open positions by exchange, each with its last accepted price: the newest mark, or the
    entry of a position that is younger. Ends the read."""
    position = ExecutionPosition
    rows = db.session.execute(
        sa.select(position.exchange_name, position.symbol, position.mark_price, position.marked_at)
        .where(_LIVE)
        .ext(distinct_on(position.exchange_name, position.symbol))
        .order_by(*_NEWEST)
    ).all()
    end_read()
    markets: dict[str, dict[str, Anchor | None]] = defaultdict(dict)
    for exchange_name, symbol, price, at in rows:
        markets[exchange_name][symbol] = Anchor(price, at) if price and at else None
    return markets


def last(exchange_name: str, symbol: str) -> Anchor | None:
    """The last accepted price of one market; None when no position is open there. Ends the read."""
    found = db.session.execute(
        sa.select(ExecutionPosition.mark_price, ExecutionPosition.marked_at)
        .where(
            _LIVE, ExecutionPosition.exchange_name == exchange_name, ExecutionPosition.symbol == symbol,
            ExecutionPosition.mark_price.is_not(None), ExecutionPosition.marked_at.is_not(None),
        )
        .order_by(ExecutionPosition.marked_at.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    end_read()
    return Anchor(found[0], found[1]) if found and found[0] and found[1] else None


def of(position: ExecutionPosition) -> Anchor | None:
    """The last price that was accepted for `position`. Reads only the row."""
    if position.mark_price is None or position.marked_at is None:
        return None
    return Anchor(position.mark_price, position.marked_at)
