"""Finds what was lost and asks for it again, from the database alone. A crash between any two lines of the
protocol has one reading; this acts on it."""

import logging
from datetime import timedelta

import sqlalchemy as sa

from portal.db import db, request_job, transaction
from portal.models import Execution, ExecutionPosition
from portal.services import claims, expiring, late_entries, resolution
from portal.services.close_all import wishes
from portal.services.protection import alarm, wanted
from portal.services.unresolved import telling
from portal.trading.types import PositionStatus

logger = logging.getLogger(__name__)

#: A fresh execution has its own job, which may wait behind those of a thousand other accounts; asking earlier
#: would queue it twice. Together with the pace of the sweeps a lost job comes back within half a minute.
_YOUNG = timedelta(seconds=15)
_BATCH = 2000
#: Until about the next sweep.
_TICK = timedelta(seconds=10)
#: Each is a transaction of its own.
_ENDED_AT_ONCE = 200


def sweep() -> dict[str, int]:
    """Ask again for lost executions, due questions, unfinished closes and unproved guards, and tell owners of
    positions that stay unproved and orders that stay in doubt. Returns how many of each.

    Commits; may run any number of times, also twice at once: every job it asks for is safe to repeat.
    """
    expired = expiring.expire_waiting(_ENDED_AT_ONCE)
    wishes.carry_out_unfinished()
    asked = {
        "run_execution": _ids(
            sa.select(Execution.id)
            .where(claims.claimable(), Execution.created_at < sa.func.now() - _YOUNG)
            .order_by(Execution.sequence)
        ),
        "resolve_order": _ids(resolution.due()),
        "close_position": _ids(wanted_closes()),
        "protect_position": _ids(wanted.unproved()) + _ids(wanted.left_over()),
        "cancel_late_entry": _ids(late_entries.unwanted()),
    }
    soon = resolution.due_within(_TICK)
    with transaction():
        for job, ids in asked.items():
            for each in ids:
                request_job(job, each)
        for order_id, after in soon:
            request_job("resolve_order", order_id, after=after)
    alarms = {
        "unprotected": alarm.overdue(_ENDED_AT_ONCE),
        "unresolved": telling.tell_overdue(_ENDED_AT_ONCE),
    }
    counts = {job: len(ids) for job, ids in asked.items()} | {"expired": expired} | alarms
    if any(counts.values()):
        logger.info("sweep asked again: %s", counts)
    return counts


def wanted_closes() -> sa.Select[int]:
    """Positions whose close was asked for and is not under way."""
    return (
        sa.select(ExecutionPosition.id)
        .where(
            ExecutionPosition.status == PositionStatus.OPEN,
            ExecutionPosition.close_reason.is_not(None),
            sa.or_(
                ExecutionPosition.next_close_at.is_(None), ExecutionPosition.next_close_at <= sa.func.now()
            ),
        )
        .order_by(ExecutionPosition.close_requested_at)
    )


def _ids(statement: sa.Select[int]) -> list[int]:
    found = list(db.session.execute(statement.limit(_BATCH)).scalars())
    db.session.rollback()
    return found
