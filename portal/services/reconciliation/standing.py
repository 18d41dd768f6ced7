"""The start-up gate: a connection takes no new entry before its books were compared with its exchange, and
lately. Costs nothing when they were: the row says so."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.models import Execution, ExecutionConnection, JobLease
from portal.services.reconciliation import running
from portal.services.reconciliation.cycle import Result
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.types import ExecutionStatus, MarketType

#: A comparison older than this counts no more. Idle accounts are compared again long before.
FRESH = timedelta(minutes=15)
#: Without a tick for so long the system was down, or the database is a restored one: all start anew.
DOWN_AFTER = timedelta(minutes=5)
_TICK = "sync_connections"
#: Rows under this name say when the database was found to be a restored one.
_RESTORED = "restored"
#: As many ids are left out after that as an hour can have used.
_LOST = timedelta(hours=1)
AGE = {DenialCode.SIGNAL_TOO_OLD, DenialCode.SIGNAL_EXPIRED}


class NotReconciledError(ExchangeError):
    """The comparison that an entry waits for could not be made now. Nothing was sent."""

    def __init__(self, why: str, cause: ExchangeError | None = None) -> None:
        super().__init__(
            cause.code if cause is not None else ErrorCode.UNAVAILABLE,
            why,
            outcome=Outcome.NOT_PLACED,
            again=True,
            retry_after=cause.retry_after if cause is not None else None,
            permanent=cause.permanent if cause is not None else False,
        )


def is_done(connection: ExecutionConnection, kind: MarketType | None = None) -> bool:
    """Whether the account was compared lately, the markets of `kind` with it. Reads the row alone."""
    at = connection.reconciled_at
    if at is None or utcnow() - at > FRESH:
        return False
    return kind is None or kind.value in connection.reconciled_markets


def ensure(connection: ExecutionConnection, exchange: Exchange, kind: MarketType) -> None:
    """Compare the account now, unless that was done: a couple of reads over the exchange that the caller has
    open. Raises NotReconciledError when one of them fails. Owns its transactions; may be repeated."""
    if is_done(connection, kind):
        return
    result = Result(connection.id, connection.name)
    error = running.compare(connection, exchange, result, kind)
    if result.failed:
        # Whoever catches it sees whether the venue was asked at all.
        raise NotReconciledError("; ".join(result.failed), error) from error


def not_yet() -> NotReconciledError:
    """For the last gate, when the comparison was called for anew after the plan was made."""
    return NotReconciledError("The account is to be compared with its exchange first.")


def late(code: str | None, message: str | None, denial: Denial) -> Denial:
    """The denial of an execution that grew too old while it waited for the comparison (its stored `code` and
    `message` say so); any other denial as it is."""
    if denial.code in AGE and code == DenialCode.NOT_RECONCILED.value:
        return deny(DenialCode.NOT_RECONCILED, reason=message or "")
    return denial


def start_anew_after_downtime() -> int:
    """Call at the start of a worker and at every tick: when no tick ran for `DOWN_AFTER` before the present
    one, no comparison counts any more. Returns how many connections that concerns. Commits; may be repeated.

    A first start knows no earlier tick; its connections were never compared anyway."""
    # The tick that calls this has taken its own row already.
    earlier = sa.select(sa.func.max(JobLease.started_at)).where(
        JobLease.job == _TICK, JobLease.started_at < sa.func.now() - timedelta(seconds=30)
    )
    with transaction() as session:
        last = session.execute(earlier).scalar_one_or_none()
        if last is None or utcnow() - last <= DOWN_AFTER:
            return 0
        leave_a_gap(utcnow() - last)
        done = session.execute(
            sa.update(ExecutionConnection)
            # What was compared since the restart stays: others may have begun already.
            .where(ExecutionConnection.reconciled_at <= last + DOWN_AFTER)
            .values(reconciled_at=None, updated_at=ExecutionConnection.updated_at)
            .execution_options(synchronize_session=False)
        )
        return int(done.rowcount)  # type: ignore[attr-defined]


def note_restore() -> None:
    """Every comparison and every execution that waits is from a past that was lost: compare anew, and ask for
    what may have been sent before anything is sent. Joins the caller's transaction; may be repeated."""
    epoch = sa.cast(sa.func.extract("epoch", sa.func.now()), sa.BigInteger)
    row = insert(JobLease).values(job=_RESTORED, tick=epoch, started_at=sa.func.now())
    db.session.execute(row.on_conflict_do_nothing())
    row_of, execution = ExecutionConnection, Execution
    for changes in (
        sa.update(row_of).where(row_of.reconciled_at.is_not(None)).values(
            reconciled_at=None, updated_at=row_of.updated_at
        ),
        sa.update(execution).where(execution.status == ExecutionStatus.PENDING).values(
            rerun_at=sa.func.now()
        ),
    ):  # fmt: skip
        db.session.execute(changes.execution_options(synchronize_session=False))
    leave_a_gap(_LOST)


def was_restored_since(moment: datetime) -> bool:
    """Whether a restore was noticed since then. Reads only."""
    wanted = sa.select(JobLease.id).where(JobLease.job == _RESTORED, JobLease.started_at >= moment)
    return db.session.scalar(wanted.limit(1)) is not None


def leave_a_gap(pause: timedelta) -> None:
    """Ids are part of the ids of orders at the exchanges. A restored database would give out again what was
    given out after its backup, and an exchange could take a new order for an old one: skip as many as can
    have been lost. Does not commit; another gap does no harm."""
    lost = min(max(1_000, int(pause.total_seconds()) * 10), 10_000_000)
    for table in ("executions", "execution_positions"):
        sequence = sa.func.pg_get_serial_sequence(table, "id")
        db.session.execute(sa.select(sa.func.setval(sequence, sa.func.nextval(sequence) + lost)))
