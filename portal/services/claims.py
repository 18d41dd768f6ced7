"""Who works on an execution: a compare-and-set with a token and a lease. Zero rows changed: somebody else
has it."""

import secrets
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import aliased, contains_eager, joinedload

from portal.db import db, request_job, spelled, transaction, utcnow
from portal.models import UNSETTLED, Execution, ExecutionConnection, Order
from portal.trading.types import ExecutionStatus, OrderState, SignalAction

#: How long a claim holds. Reads, planning and the intent must fit; the send needs no lease, its order row
#: exists.
LEASE = timedelta(seconds=30)
[_PENDING] = spelled(ExecutionStatus.PENDING)


def earlier_unsettled() -> sa.Exists:
    """True in SQL while an earlier signal on the same connection and lane has no outcome yet."""
    earlier = aliased(Execution)
    return sa.exists().where(
        earlier.connection_id == Execution.connection_id,
        earlier.lane == Execution.lane,
        earlier.sequence < Execution.sequence,
        earlier.status.in_(spelled(*UNSETTLED)),
    )


def doubt_on_symbol() -> sa.Exists:
    """True in SQL while an order on the same connection and lane may or may not exist, whatever it was for:
    a close or a guard, too, holds back what opens more."""
    return sa.exists().where(
        Order.connection_id == Execution.connection_id,
        Order.state.in_(spelled(OrderState.UNRESOLVED)),
        sa.func.split_part(Order.symbol, ":", 1) == Execution.lane,
    )


def claimable() -> sa.ColumnElement[bool]:
    """True in SQL for executions that anybody may take now."""
    now = sa.func.now()
    return sa.and_(
        Execution.status == _PENDING,
        sa.or_(Execution.claim_token.is_(None), Execution.lease_until < now),
        sa.or_(Execution.next_attempt_at.is_(None), Execution.next_attempt_at <= now),
        ~earlier_unsettled(),
        sa.or_(Execution.action != spelled(SignalAction.OPEN)[0], ~doubt_on_symbol()),
    )


# Built once: SQLAlchemy takes longer to put these together than PostgreSQL to run them.
_TAKE = (
    sa.update(Execution)
    .where(Execution.id == sa.bindparam("execution_id"), claimable())
    .values(
        claim_token=sa.bindparam("token"),
        lease_until=sa.func.now() + LEASE,
        claimed_at=sa.bindparam("now"),
        updated_at=sa.bindparam("now"),
    )
    .execution_options(synchronize_session=False)
)
_LOAD = (
    sa.select(Execution)
    .join(Execution.connection, isouter=True)
    .options(
        contains_eager(Execution.connection).options(
            joinedload(ExecutionConnection.preset), joinedload(ExecutionConnection.data_connection)
        ),
        joinedload(Execution.signal),
    )
    .where(Execution.id == sa.bindparam("execution_id"))
    .execution_options(populate_existing=True)
)
_LOCK_MINE = (
    sa.select(Execution)
    .where(
        Execution.id == sa.bindparam("execution_id"),
        Execution.claim_token == sa.bindparam("token"),
        Execution.lease_until > sa.func.now(),
        Execution.status == _PENDING,
    )
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)
_NEXT = (
    sa.select(Execution.id)
    .where(
        Execution.connection_id == sa.bindparam("connection_id"),
        Execution.lane == sa.bindparam("lane"),
        Execution.sequence > sa.bindparam("sequence"),
        Execution.status == _PENDING,
    )
    .order_by(Execution.sequence)
    .limit(1)
)


def claim(execution_id: int) -> tuple[Execution, str] | None:
    """Take a pending execution for `LEASE`. Returns it, with all that planning needs, and the token; None
    when it is not to be had: taken, finished, not due, or an earlier signal on the same connection and symbol
    is not settled. Commits; may be repeated.

    What is returned is detached: a row that refreshed itself later would open a transaction, which then
    stayed open across the calls to the exchange."""
    token = secrets.token_hex(8)
    with transaction() as session:
        taken = session.execute(_TAKE, {"execution_id": execution_id, "token": token, "now": utcnow()})
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            return None
        execution: Execution = session.execute(_LOAD, {"execution_id": execution_id}).scalar_one()
        rows: list[object] = [execution, execution.signal]
        if execution.connection is not None:
            rows += execution.connection, execution.connection.preset, execution.connection.data_connection
        for row in filter(None, rows):
            session.expunge(row)
        return execution, token


def lock_mine(execution_id: int, token: str) -> Execution | None:
    """Lock the row inside a transaction, if the claim still holds and nothing was intended. Does not
    commit."""
    return db.session.execute(_LOCK_MINE, {"execution_id": execution_id, "token": token}).scalar_one_or_none()


def release(execution: Execution, delay: timedelta) -> None:
    """Give a claimed execution back, to be taken again after `delay`. Does not commit."""
    execution.claim_token = None
    execution.lease_until = None
    execution.attempts += 1
    execution.next_attempt_at = utcnow() + delay


def wake_next(execution: Execution) -> None:
    """Ask for the next signal on the same connection and lane, now that this one is settled. Does not
    commit."""
    _wake(execution.connection_id, execution.lane, execution.sequence)


def wake_first(connection_id: int | None, lane: str) -> None:
    """Ask for the first waiting signal of a lane, now that nothing is in doubt there. Does not commit."""
    _wake(connection_id, lane, -1)


def _wake(connection_id: int | None, lane: str, after: int) -> None:
    found = db.session.execute(
        _NEXT, {"connection_id": connection_id, "lane": lane, "sequence": after}
    ).scalar_one_or_none()
    if found is not None:
        request_job("run_execution", found)
