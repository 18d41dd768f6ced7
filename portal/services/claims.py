"""Who works on an execution: a compare-and-set with a token and a lease. Zero rows changed: somebody else
has it."""

import secrets
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased, contains_eager, joinedload

from portal.db import db, request_job, transaction, utcnow
from portal.models import UNSETTLED, Execution, ExecutionConnection
from portal.trading.types import ExecutionStatus

#: How long a claim holds. Reads, planning and the intent must fit; the send needs no lease, its order row
#: exists.
LEASE = timedelta(seconds=30)


def earlier_unsettled() -> sa.Exists:
    """True in SQL while an earlier signal on the same connection and lane has no outcome yet."""
    earlier = aliased(Execution)
    return sa.exists().where(
        earlier.connection_id == Execution.connection_id,
        earlier.lane == Execution.lane,
        earlier.sequence < Execution.sequence,
        earlier.status.in_(UNSETTLED),
    )


def claimable() -> sa.ColumnElement[bool]:
    """True in SQL for executions that anybody may take now."""
    now = sa.func.now()
    return sa.and_(
        Execution.status == ExecutionStatus.PENDING,
        sa.or_(Execution.claim_token.is_(None), Execution.lease_until < now),
        sa.or_(Execution.next_attempt_at.is_(None), Execution.next_attempt_at <= now),
        ~earlier_unsettled(),
    )


def claim(execution_id: int) -> str | None:
    """Take a pending execution for `LEASE`. Returns the token, or None when it is not to be had: taken,
    finished, not due, or an earlier signal on the same connection and symbol is not settled. Commits; may
    be repeated."""
    token = secrets.token_hex(8)
    with transaction() as session:
        taken = session.execute(
            sa.update(Execution)
            .where(Execution.id == execution_id, claimable())
            .values(claim_token=token, lease_until=sa.func.now() + LEASE, claimed_at=utcnow())
            .execution_options(synchronize_session=False)
        )
        return token if taken.rowcount == 1 else None  # type: ignore[attr-defined]


def load(execution_id: int) -> Execution:
    """The execution with everything that planning needs, in one query. Reads only."""
    return db.session.execute(
        sa.select(Execution)
        .join(Execution.connection, isouter=True)
        .options(
            contains_eager(Execution.connection).joinedload(ExecutionConnection.preset),
            joinedload(Execution.signal),
        )
        .where(Execution.id == execution_id)
        .execution_options(populate_existing=True)
    ).scalar_one()


def lock_mine(execution_id: int, token: str) -> Execution | None:
    """Lock the row inside a transaction, if the claim still holds and nothing was intended. Does not
    commit."""
    return db.session.execute(
        sa.select(Execution)
        .where(
            Execution.id == execution_id,
            Execution.claim_token == token,
            Execution.lease_until > sa.func.now(),
            Execution.status == ExecutionStatus.PENDING,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()


def release(execution: Execution, delay: timedelta) -> None:
    """Give a claimed execution back, to be taken again after `delay`. Does not commit."""
    execution.claim_token = None
    execution.lease_until = None
    execution.attempts += 1
    execution.next_attempt_at = utcnow() + delay


def wake_next(execution: Execution) -> None:
    """Ask for the next signal on the same connection and lane, now that this one is settled. Does not
    commit."""
    following = db.session.execute(
        sa.select(Execution.id)
        .where(
            Execution.connection_id == execution.connection_id,
            Execution.lane == execution.lane,
            Execution.sequence > execution.sequence,
            Execution.status == ExecutionStatus.PENDING,
        )
        .order_by(Execution.sequence)
        .limit(1)
    ).scalar_one_or_none()
    if following is not None:
        request_job("run_execution", following)
