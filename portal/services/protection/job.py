"""The job that makes a position's guards match what is held: read, intend, place once, read back. The same
protocol as any order."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import end_read, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import ExecutionConnection, ExecutionPosition
from portal.services import marks, placing, prices, venues
from portal.services.protection import reading, removing
from portal.services.protection.planning import Market, next_step
from portal.services.traffic_lanes import Purpose
from portal.trading.price_sanity import Anchor

logger = logging.getLogger(__name__)

#: Place, read back, cancel what was replaced, and once more for what changed meanwhile.
_STEPS = 6
_AFTER_SILENCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Subject:
    position_id: int
    symbol: str
    connection: ExecutionConnection
    price_source: str
    #: The last price that was accepted for it.
    anchor: Anchor | None


def protect(position_id: int) -> None:
    """Bring the guards at the venue in line with the position, and prove that they are.

    Owns its transactions; may be called any number of times by anybody. What could not be done is done by the
    sweeper's next call; a position that waits too long for proof raises the alarm (`alarm.overdue`)."""
    end_read()
    with transaction() as session:
        position = session.get(ExecutionPosition, position_id)
        if position is None or position.connection is None:
            return
        connection = position.connection
        _ = connection.credentials, connection.data_connection
        subject = _Subject(
            position.id, position.symbol, connection, venues.price_source(connection), marks.of(position)
        )
    try:
        with venues.exchange_for(subject.connection, Purpose.VITAL) as exchange:
            _protect(subject, exchange)
    except (ExchangeError, DecryptionError) as error:
        logger.info("position %s: its guards could not be looked at: %s", position_id, error)
        retry_after = error.retry_after if isinstance(error, ExchangeError) else None
        _wait(position_id, str(error), timedelta(seconds=retry_after or 0))


def _protect(subject: _Subject, exchange: Exchange) -> None:
    began_at = utcnow()
    for _ in range(_STEPS):
        reading.read_back(subject.position_id, subject.symbol, exchange)
        market = Market(
            exchange.instruments().get(subject.symbol), _mark(subject, exchange), exchange.capabilities
        )
        step = next_step(subject.position_id, market, began_at)
        for intended in step.place:
            placing.place(intended, exchange)
        if step.cancel:
            removing.withdraw(subject.position_id, exchange, step.cancel)
        if not step.place and not step.cancel:
            return


def _mark(subject: _Subject, exchange: Exchange) -> Decimal | None:
    """The price now, if it may be acted on. Without one the guards are placed all the same; the venue judges
    them."""
    try:
        quote = prices.quote(subject.price_source, subject.symbol, exchange, known=subject.anchor)
    except ExchangeError as error:
        logger.info("guarding %s without a fresh price: %s", subject.symbol, error)
        return None
    return quote.mark


def _wait(position_id: int, why: str, retry_after: timedelta) -> None:
    """The venue did not answer: the sweeper asks again, not at once."""
    with transaction() as session:
        session.execute(
            sa.update(ExecutionPosition)
            .where(ExecutionPosition.id == position_id, ExecutionPosition.protection_due_since.is_not(None))
            .values(
                next_guard_at=sa.func.now() + max(retry_after, _AFTER_SILENCE),
                protection_note=f"The exchange could not be asked: {why}",
            )
            .execution_options(synchronize_session=False)
        )
