"""What the tests of reconciliation share: minutes that pass, and the owner's own orders at the exchange."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from portal.db import db, end_read, transaction
from portal.models import BookDifference, ExecutionConnection, Notification, Order
from portal.services import reconciliation
from portal.trading.types import NotificationType
from tests.services.desk import Desk
from tests.services.protected import VENUES, by_hand


def symbol_of(venue: str) -> str:
    return "BTC/USDT:USDT" if VENUES[venue] == "swap" else "BTC/USDT"


def connection_ids() -> list[int]:
    found = list(db.session.execute(sa.select(ExecutionConnection.id)).scalars())
    end_read()
    return found


def cycle(desk: Desk, seconds: float = 60) -> None:
    """A minute later: what was seen before is older, and everything is compared once more."""
    desk.later(seconds)
    past = sa.literal(timedelta(seconds=seconds), sa.Interval)
    with transaction() as session:
        session.execute(sa.update(BookDifference).values(seen_at=BookDifference.seen_at - past))
        session.execute(sa.update(Order).values(updated_at=Order.updated_at - past))
    for each in connection_ids():
        reconciliation.sync_connection(each)


def trade_by_hand(
    desk: Desk, venue: str, side: str, quantity: Decimal | str, **params: Any
) -> dict[str, Any]:
    """The owner's own market order."""
    client = by_hand(desk, venue)
    return dict(client.create_order(symbol_of(venue), "market", side, str(quantity), None, params))


def notices(kind: NotificationType) -> list[Notification]:
    return list(db.session.execute(sa.select(Notification).where(Notification.type == kind)).scalars())


def differences() -> int:
    return db.session.execute(sa.select(sa.func.count()).select_from(BookDifference)).scalar_one()
