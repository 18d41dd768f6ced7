"""What was attempted, for the owner to read. Joins the caller's transaction."""

from typing import Any

from portal.db import db
from portal.logs import scrub
from portal.models import Execution, ExecutionConnection, ExecutionLog, ExecutionPosition, Order


def note(
    event: str,
    message: str,
    *,
    execution: Execution | None = None,
    order: Order | None = None,
    position: ExecutionPosition | None = None,
    duration_ms: int | None = None,
    **data: Any,
) -> None:
    """Add a line to the execution log. `message` is scrubbed; `data` must not hold a secret. Does not
    commit."""
    row: Any = execution or position or order
    db.session.add(
        ExecutionLog(
            connection_id=row.connection_id if row else None,
            owner_id=_owner(execution or position or (order.connection if order else None)),
            execution_id=execution.id if execution else (order.execution_id if order else None),
            order_id=order.id if order else None,
            position_id=position.id if position else (order.position_id if order else None),
            event=event,
            message=scrub(message),
            duration_ms=duration_ms,
            data={key: None if value is None else str(value) for key, value in data.items()},
        )
    )


def _owner(row: Execution | ExecutionPosition | ExecutionConnection | None) -> int | None:
    return row.owner_id if row is not None else None
