"""What `portal reconcile` does and says: one connection's failure does not keep the others waiting."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from portal.db import db, end_read
from portal.errors import NotFoundError, PortalError
from portal.logs import scrub
from portal.models import ExecutionConnection
from portal.services import reconciliation
from portal.services.reconciliation import Result

#: What a result lists, and how each line of it begins.
_LISTS = (
    ("settled", "settled"),
    ("waiting", "differs"),
    ("moving", "not compared, it is moving"),
    ("foreign", "not ours"),
    ("unable", "cannot be asked for here"),
    ("failed", "failed"),
)


def reconcile_each(connection_id: int | None) -> list[Result]:
    """Reconcile one connection, or all that are switched on. Raises NotFoundError. May be repeated."""
    wanted = sa.select(ExecutionConnection.id, ExecutionConnection.name).order_by(ExecutionConnection.id)
    if connection_id is None:
        wanted = wanted.where(ExecutionConnection.is_active)
    else:
        wanted = wanted.where(ExecutionConnection.id == connection_id)
    rows = [(number, name) for number, name in db.session.execute(wanted)]
    end_read()
    if connection_id is not None and not rows:
        raise NotFoundError(f"There is no connection {connection_id}; nothing was reconciled.")
    return [_one(number, name) for number, name in rows]


def _one(number: int, name: str) -> Result:
    try:
        result = reconciliation.follow_and_compare(number)
    except PortalError as error:
        return Result(number, name, failed=[str(error)])
    return result or Result(number, name, failed=["it was deleted meanwhile"])


def as_data(results: Sequence[Result]) -> dict[str, Any]:
    """For machines: who was compared, who was not and why, and all that was found."""
    failed = [
        {"id": each.connection_id, "name": each.name, "reason": scrub("; ".join(each.failed))}
        for each in results
        if each.failed
    ]
    return {
        "reconciled": [each.connection_id for each in results if not each.failed],
        "failed": failed,
        "connections": [_scrubbed(dataclasses.asdict(each)) for each in results],
    }


def as_lines(results: Sequence[Result]) -> list[str]:
    """For people: what is worth a line, and how many agree."""
    lines = [line for each in results for line in _lines(each)]
    done = sum(not each.failed for each in results)
    agreed = sum(each.agreed for each in results)
    if agreed:
        lines.append(f"{agreed} holding{'s' if agreed > 1 else ''} agree{'' if agreed > 1 else 's'}.")
    return [*lines, f"Reconciled {done} of {len(results)} connections."]


def _lines(result: Result) -> list[str]:
    head = f"Connection {result.connection_id} ({result.name})"
    return [f"{head}: {words}: {scrub(each)}" for name, words in _LISTS for each in getattr(result, name)]


def _scrubbed(data: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [scrub(each) for each in value] if isinstance(value, list) else value
        for name, value in data.items()
    }
