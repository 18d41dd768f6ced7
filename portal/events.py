"""The only SQLAlchemy session listeners: a published signal fans out in its own transaction, and jobs are
enqueued after the commit. Facts that shape this file (measured, SQLAlchemy 2.1):

* `after_commit` also fires when a SAVEPOINT is released; it must not run SQL and must not raise, because an
  exception there escapes from `commit()` although the rows are saved. `queues.enqueue_many` therefore never
  raises.
* A rolled-back savepoint leaves its ids behind. Harmless: a job without a row finds nothing to claim.
* Bulk `update()` is invisible here: the state of a signal is never bulk-updated."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import event, inspect
from sqlalchemy.orm import InstanceState, Session, scoped_session

from portal.db import request_job, requested_jobs
from portal.jobs import queues
from portal.models import Execution, Signal
from portal.services import fanout
from portal.trading.types import ExecutionStatus


def register(session: scoped_session[FlaskSession]) -> None:
    """Attach the listeners to `session`. Call once per process."""
    if not event.contains(session, "before_flush", fan_out_published_signals):
        event.listen(session, "before_flush", fan_out_published_signals)
        event.listen(session, "after_flush", remember_new_executions)
        event.listen(session, "after_commit", enqueue_remembered)
        event.listen(session, "after_soft_rollback", forget_on_root_rollback)


def fan_out_published_signals(session: Session, _context: Any, _instances: Any) -> None:
    """Whoever publishes a signal, by whatever form or API: the executions are written in the same
    transaction."""
    for row in list(session.new) + list(session.dirty):
        if isinstance(row, Signal) and row.is_published and _just_published(row):
            fanout.fan_out(session, row)


def remember_new_executions(session: Session, _context: Any) -> None:
    for row in session.new:
        if isinstance(row, Execution) and row.status is ExecutionStatus.PENDING:
            request_job("run_execution", row.id)


def enqueue_remembered(session: Session) -> None:
    if session.in_nested_transaction():
        return
    alike: dict[tuple[str, timedelta], list[int]] = defaultdict(list)
    for (name, ids), after in requested_jobs(session).items():
        if ids:
            alike[name, after].extend(ids)
        else:
            queues.enqueue(name)
    for (name, after), many in alike.items():
        queues.enqueue_many(name, many, after=after)


def forget_on_root_rollback(session: Session, previous: Any) -> None:
    if previous.parent is None:
        requested_jobs(session)


def _just_published(signal: Signal) -> bool:
    state: InstanceState[Signal] = inspect(signal, raiseerr=True)
    return state.transient or state.pending or state.attrs.is_published.history.has_changes()
