"""Which connections are reconciled when, and one of them from top to bottom."""

import logging

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import db, end_read, request_job, transaction
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import IN_DOUBT, RESTING, ExecutionConnection, ExecutionPosition, Order
from portal.services import resolution, venues
from portal.services.reconciliation import cycle
from portal.services.reconciliation.cycle import Result
from portal.services.traffic_lanes import Purpose
from portal.trading.types import MarketType, PositionStatus

logger = logging.getLogger(__name__)

_OPEN = (PositionStatus.OPEN, PositionStatus.CLOSING)


def sync_connections() -> int:
    """Ask for one `sync_connection` per connection with live orders or open positions. Returns how many.
    Commits; may be repeated."""
    orders = sa.select(Order.connection_id).where(Order.state.in_((*IN_DOUBT, *RESTING)))
    positions = sa.select(ExecutionPosition.connection_id).where(ExecutionPosition.status.in_(_OPEN))
    with transaction() as session:
        found = session.execute(sa.union(orders, positions)).scalars()
        ids = sorted(each for each in found if each is not None)
        for connection_id in ids:
            request_job("sync_connection", connection_id)
    return len(ids)


def sync_connection(connection_id: int) -> int:
    """Ask the venue about every resting order of one connection now, then compare what is held. Returns how
    many orders were asked about. Owns its transactions; may be repeated."""
    asked = _follow(connection_id)
    result = reconcile(connection_id)
    if result is not None and result.failed:
        logger.info("connection %s was not compared wholly: %s", connection_id, "; ".join(result.failed))
    return asked


def reconcile(connection_id: int) -> Result | None:
    """Compare one connection with its venue; settle what two looks confirm. None when there is none.

    Owns its transactions; may be repeated, also at the same time. Raises nothing that a venue can cause."""
    connection = db.session.get(ExecutionConnection, connection_id, populate_existing=True)
    if connection is None:
        end_read()
        return None
    _ = connection.preset
    result = Result(connection.id, connection.name)
    try:
        with venues.exchange_for(connection, Purpose.ROUTINE) as exchange:
            compare(connection, exchange, result)
    except ExchangeError as error:
        result.failed.append(error.message)
    except DecryptionError as error:
        result.failed.append(str(error))
    return result


def compare(connection: ExecutionConnection, exchange: Exchange, result: Result, *kinds: MarketType) -> None:
    """One cycle over an exchange that the caller has open."""
    seen = cycle.look(connection.id, exchange, kinds)
    result.failed += seen.theirs.failed
    result.unable += seen.theirs.unable
    cycle.shortages(connection, exchange, seen, result)


def _follow(connection_id: int) -> int:
    with transaction() as session:
        session.execute(
            sa.update(Order)
            .where(Order.connection_id == connection_id, Order.state.in_(RESTING))
            .values(next_query_at=sa.func.now())
            .execution_options(synchronize_session=False)
        )
    due = resolution.due().where(Order.connection_id == connection_id)
    ids = list(db.session.execute(due).scalars())
    end_read()
    for order_id in ids:
        resolution.resolve(order_id)
    return len(ids)
