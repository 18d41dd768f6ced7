"""The loop behind `portal reconcile`: one connection's failure does not keep the others waiting."""

import sqlalchemy as sa

from portal.db import db, end_read
from portal.errors import NotFoundError, PortalError
from portal.exchanges.errors import ExchangeError
from portal.logs import scrub
from portal.models import ExecutionConnection
from portal.services import reconciliation


def reconcile_each(connection_id: int | None) -> tuple[list[int], list[tuple[int, str, str]]]:
    """Reconcile one connection, or all that are switched on. Returns the ids that are done, and (id, name,
    reason) of the others. Raises NotFoundError. May be repeated."""
    wanted = sa.select(ExecutionConnection.id, ExecutionConnection.name).order_by(ExecutionConnection.id)
    if connection_id is None:
        wanted = wanted.where(ExecutionConnection.is_active)
    else:
        wanted = wanted.where(ExecutionConnection.id == connection_id)
    rows = [(number, name) for number, name in db.session.execute(wanted)]
    end_read()
    if connection_id is not None and not rows:
        raise NotFoundError(f"There is no connection {connection_id}; nothing was reconciled.")
    done: list[int] = []
    failed: list[tuple[int, str, str]] = []
    for number, name in rows:
        try:
            reconciliation.sync_connection(number)
        except (PortalError, ExchangeError) as error:
            failed.append((number, name, scrub(str(error))))
        else:
            done.append(number)
    return done, failed
