"""Shortages that were seen once: kept until a second look confirms or contradicts them. Joins the caller's
transaction."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db
from portal.models import BookDifference
from portal.trading.reconcile import Observation, Subject

Known = dict[Subject, Observation]


def known(connection_id: int) -> Known:
    """What waits for a second look. Reads only."""
    rows = db.session.execute(
        sa.select(BookDifference).where(BookDifference.connection_id == connection_id)
    ).scalars()
    return {
        Subject(row.market_type, row.name, row.position_side): Observation(
            row.booked, row.seen, row.books, row.seen_at
        )
        for row in rows
    }


def remember(connection_id: int, subject: Subject, observed: Observation) -> None:
    """A first look, in place of an older one. Does not commit; may be repeated."""
    values = {
        "booked": observed.booked,
        "seen": observed.seen,
        "books": observed.books,
        "seen_at": observed.seen_at,
    }
    statement = insert(BookDifference).values(
        connection_id=connection_id,
        market_type=subject.market_type,
        name=subject.name,
        position_side=subject.position_side,
        **values,
    )
    keys = ["connection_id", "market_type", "name", "position_side"]
    db.session.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))


def forget(connection_id: int, subject: Subject) -> None:
    """Settled, or no shortage any more. Does not commit; may be repeated."""
    db.session.execute(
        sa.delete(BookDifference).where(
            BookDifference.connection_id == connection_id,
            BookDifference.market_type == subject.market_type,
            BookDifference.name == subject.name,
            BookDifference.position_side == subject.position_side,
        )
    )
