"""Which connections a published signal reaches, and the rows that say so. Never commits: it runs inside the
transaction that publishes."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import request_job, utcnow
from portal.models import (
    Execution,
    ExecutionConnection,
    Plan,
    Signal,
    Subscription,
    User,
    plan_signals,
    publish_sequence,
)
from portal.trading.types import ConnectionStatus, ExecutionStatus

#: Serialises publications, so that the order of `publish_sequence` is the order of the commits.
_PUBLISH_LOCK = 0x706F7274


def eligible_connections(signal_id: int) -> sa.Select[int]:
    """Ids of the connections that `signal_id` reaches: every active admin-owned one, and those of active
    users with a current subscription to an active plan that carries the signal (domain.md §1)."""
    subscribed = (
        sa.select(Subscription.user_id)
        .join(plan_signals, plan_signals.c.plan_id == Subscription.plan_id)
        .join(Plan, Plan.id == Subscription.plan_id)
        .where(plan_signals.c.signal_id == signal_id, Subscription.is_current, Plan.is_active)
    )
    owner = sa.case(
        (ExecutionConnection.is_admin_owned, ExecutionConnection.admin_id), else_=ExecutionConnection.user_id
    )
    return (
        sa.select(ExecutionConnection.id)
        .join(User, User.id == owner)
        .where(
            User.active,
            ExecutionConnection.is_active,
            ExecutionConnection.status == ConnectionStatus.ACTIVE,
            sa.or_(ExecutionConnection.is_admin_owned, ExecutionConnection.user_id.in_(subscribed)),
        )
        .order_by(ExecutionConnection.id)
    )


def lock_publications(session: Session) -> None:
    """Wait for publications under way, and hold back the next until this transaction ends. Whoever deletes a
    connection takes it first: a publication must not write a row for one that is going."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_PUBLISH_LOCK)))


def fan_out(session: Session, signal: Signal) -> list[int]:
    """Stamp the publication and write one pending `Execution` per eligible connection; ask for their jobs.

    Called by the flush of the transaction that publishes (`portal/events.py`); does not commit, and a
    repeat adds nothing, because (signal, connection) is unique. Returns the new execution ids."""
    with session.no_autoflush:
        lock_publications(session)
        if signal.publish_sequence is None:
            signal.publish_sequence = session.execute(sa.select(publish_sequence.next_value())).scalar_one()
        signal.published_at = signal.published_at or utcnow()
        if signal.id is None:
            raise ValueError("a signal is flushed once before it is published, so that it has an id")
        connections = session.execute(
            sa.select(ExecutionConnection)
            .where(ExecutionConnection.id.in_(eligible_connections(signal.id).order_by(None)))
            .order_by(ExecutionConnection.id)
        ).scalars()
        rows = [_row(signal, connection) for connection in connections]
        if not rows:
            return []
        # Handed over as a list, not as VALUES: one statement takes 65,535 parameters, which is not enough for
        # five thousand accounts.
        added = session.execute(
            insert(Execution).on_conflict_do_nothing().returning(Execution.id), rows
        ).scalars()
        ids = list(added)
    for execution_id in ids:
        request_job("run_execution", execution_id)
    return ids


def _row(signal: Signal, connection: ExecutionConnection) -> dict[str, object]:
    now = utcnow()
    return {
        "signal_id": signal.id,
        "connection_id": connection.id,
        "owner_id": connection.owner_id,
        "connection_name": connection.name,
        "currency_pair": signal.currency_pair,
        "lane": signal.currency_pair.partition(":")[0],
        "direction": signal.direction,
        "action": signal.action,
        "sequence": signal.publish_sequence,
        "status": ExecutionStatus.PENDING,
        "attempts": 0,
        "generation": 0,
        "created_at": now,
        "updated_at": now,
    }
