"""Entries that may still open or enlarge a position: taken off the exchange before what they opened is
closed. Asks for cancellation and looks what became of them; places nothing."""

import sqlalchemy as sa

from portal.db import db, end_read, transaction
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import RESTING, ExecutionConnection, Order
from portal.services import resolution, venues
from portal.services.order_refs import ref_of
from portal.services.traffic import NO_ANSWER
from portal.services.traffic_lanes import Purpose
from portal.trading.orders import OrderRef
from portal.trading.types import OrderRole


def withdraw(connection: ExecutionConnection, *which: sa.ColumnElement[bool]) -> int:
    """Cancel the waiting entries of `connection` that match `which`, and book what was filled meanwhile.
    Returns how many there were. An ended entry whose fills have not all been read is looked at, too.

    Owns its transactions; may be repeated. Raises ExchangeError when one could not be canceled and may still
    be filled; what was filled meanwhile is booked all the same."""
    orders = db.session.execute(_unfinished(connection.id, *which)).scalars().all()
    there = [ref_of(order) for order in orders if order.state in RESTING]
    ids = [order.id for order in orders]
    end_read()
    if not ids:
        return 0
    failure: ExchangeError | None = None
    if there:
        with venues.exchange_for(connection, Purpose.VITAL) as exchange:
            failure = _cancel(exchange, there)
    with transaction() as session:
        # The database's own clock decides what is due.
        session.execute(sa.update(Order).where(Order.id.in_(ids)).values(next_query_at=sa.func.now()))
    for order_id in ids:
        resolution.resolve(order_id)
    if failure is not None and still_there(connection.id, Order.id.in_(ids), Order.state.in_(RESTING)):
        raise failure
    return len(there)


def _cancel(exchange: Exchange, refs: list[OrderRef]) -> ExchangeError | None:
    """Ask for each, whatever became of the others; a venue that does not answer is not asked for the rest.
    A refusal may mean that the order has just been filled: only the question that follows tells."""
    failure: ExchangeError | None = None
    for ref in refs:
        try:
            exchange.cancel_order(ref)
        except ExchangeError as error:
            failure = failure or error
            if error.code in NO_ANSWER:
                break
    return failure


def still_there(connection_id: int, *which: sa.ColumnElement[bool]) -> bool:
    """True while one of them may still be filled, or was filled and its fills are not known. Reads only."""
    found = db.session.execute(_unfinished(connection_id, *which).limit(1)).first() is not None
    end_read()
    return found


def resting(connection_id: int | None, *which: sa.ColumnElement[bool]) -> int:
    """How many such entries wait at the exchange, by the books. Reads only."""
    waiting = sa.select(sa.func.count()).where(
        Order.connection_id == connection_id,
        Order.role == OrderRole.ENTRY,
        Order.state.in_(RESTING),
        *which,
    )
    return db.session.execute(waiting).scalar_one()


def _unfinished(connection_id: int, *which: sa.ColumnElement[bool]) -> sa.Select[Order]:
    return (
        sa.select(Order)
        .where(
            Order.connection_id == connection_id,
            Order.role == OrderRole.ENTRY,
            sa.or_(Order.state.in_(RESTING), sa.and_(Order.closed_at.is_not(None), ~Order.fills_complete)),
            *which,
        )
        .order_by(Order.id)
    )
