"""Entries that wait at the exchange longer than they are wanted: their signal has expired, or what they
opened is closed. What is left of them is taken off; what was filled stays, and is guarded or closed."""

import logging

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import db, end_read, transaction
from portal.exchanges.errors import ExchangeError
from portal.models import RESTING, Execution, ExecutionLog, ExecutionPosition, Order, Signal
from portal.models.position import HELD
from portal.services import journal, waiting
from portal.services.notifications import notify
from portal.trading.types import NotificationType, OrderRole

logger = logging.getLogger(__name__)


def unwanted() -> sa.Select[int]:
    """Resting entries of which nothing more shall be filled. Reads only."""
    over = sa.or_(
        ExecutionPosition.status.not_in(HELD),
        sa.and_(ExecutionPosition.close_reason.is_not(None), ExecutionPosition.close_quantity.is_(None)),
    )
    return (
        sa.select(Order.id)
        .join(Execution, Execution.id == Order.execution_id)
        .join(Signal, Signal.id == Execution.signal_id, isouter=True)
        .join(ExecutionPosition, ExecutionPosition.id == Order.position_id, isouter=True)
        .where(
            Order.role == OrderRole.ENTRY,
            Order.state.in_(RESTING),
            Order.connection_id.is_not(None),
            sa.or_(Signal.expires_at <= sa.func.now(), over),
        )
        .order_by(Order.id)
    )


def cancel(order_id: int) -> None:
    """Take one such entry off the exchange, and book what it was filled meanwhile. Owns its transactions; may
    be repeated. Whatever fails, it is asked for again by the next sweep, until the exchange says that it is
    gone; its owner is told once."""
    end_read()
    with transaction() as session:
        late = session.execute(unwanted().where(Order.id == order_id)).first()
        order = session.get(Order, order_id) if late is not None else None
        if order is None or order.connection is None:
            return
        if not _noted(order, "entry_expired"):
            message = "Its signal has expired, or its position is closed; the rest is canceled"
            journal.note("entry_expired", message, order=order)
        connection = order.connection
        _ = connection.credentials
    try:
        waiting.withdraw(connection, Order.id == order_id)
    except (ExchangeError, DecryptionError) as error:
        logger.info("order %s is not wanted any more and could not be canceled: %s", order_id, error)
        _tell(order_id, str(error))


def _tell(order_id: int, why: str) -> None:
    """Once per order; the log remembers."""
    end_read()
    with transaction() as session:
        order = session.get_one(Order, order_id, with_for_update={"key_share": True}, populate_existing=True)
        if _noted(order, "cancel_failed"):
            return
        journal.note("cancel_failed", why, order=order)
        notify(
            NotificationType.ERROR,
            f"{order.symbol}: an entry could not be taken off the exchange",
            f"{why} It is tried again until the exchange says that it is gone. What is filled until then is "
            "guarded like the rest, or closed if the position is closed.",
            connection=order.connection,
        )


def _noted(order: Order, event: str) -> bool:
    noted = sa.select(ExecutionLog.id).where(ExecutionLog.order_id == order.id, ExecutionLog.event == event)
    return db.session.execute(noted.limit(1)).first() is not None
