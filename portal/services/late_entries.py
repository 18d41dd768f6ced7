"""Entries that wait at the exchange longer than their signal allows: what is left of them is taken off. What
was filled stays, and is guarded."""

import logging

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import end_read, transaction
from portal.exchanges.errors import ExchangeError
from portal.models import RESTING, Execution, Order, Signal
from portal.services import journal, waiting
from portal.trading.types import OrderRole

logger = logging.getLogger(__name__)


def expired() -> sa.Select[int]:
    """Resting entries whose signal has expired. Reads only."""
    return (
        sa.select(Order.id)
        .join(Execution, Execution.id == Order.execution_id)
        .join(Signal, Signal.id == Execution.signal_id)
        .where(
            Order.role == OrderRole.ENTRY,
            Order.state.in_(RESTING),
            Order.connection_id.is_not(None),
            Signal.expires_at <= sa.func.now(),
        )
        .order_by(Order.id)
    )


def cancel(order_id: int) -> None:
    """Take one such entry off the exchange, and book what it was filled meanwhile. Owns its transactions; may
    be repeated. An exchange that does not answer is asked again by the next sweep."""
    end_read()
    with transaction() as session:
        late = session.execute(expired().where(Order.id == order_id)).first()
        order = session.get(Order, order_id) if late is not None else None
        if order is None or order.connection is None:
            return
        journal.note("entry_expired", "The signal has expired; the rest is canceled", order=order)
        connection = order.connection
        _ = connection.credentials
    try:
        waiting.withdraw(connection, Order.id == order_id)
    except (ExchangeError, DecryptionError) as error:
        logger.info("order %s could not be canceled after its signal expired: %s", order_id, error)
