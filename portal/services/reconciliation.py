"""Following what rests at the venues: one job per connection that has something open. Asks, never sends."""

import sqlalchemy as sa

from portal.db import db, end_read, request_job, transaction
from portal.models import IN_DOUBT, RESTING, Order
from portal.services import resolution


def sync_connections() -> int:
    """Ask for one `sync_connection` per connection with live orders. Returns how many. Commits; may be
    repeated."""
    with transaction() as session:
        ids = session.execute(
            sa.select(Order.connection_id)
            .where(Order.state.in_((*IN_DOUBT, *RESTING)), Order.connection_id.is_not(None))
            .distinct()
        ).scalars()
        count = 0
        for connection_id in ids:
            if connection_id is not None:
                request_job("sync_connection", connection_id)
                count += 1
    return count


def sync_connection(connection_id: int) -> int:
    """Ask the venue about every resting order of one connection now. Returns how many were asked about.
    Owns its transactions; may be repeated."""
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
