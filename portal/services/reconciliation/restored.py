"""Whether the database is an older one than a moment ago: Redis remembers a row of it that was committed, and
a restored database does not have that row. Asks no venue; what follows is what follows a long pause."""

import logging
from contextlib import suppress
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app
from redis import Redis, RedisError

from portal.db import db, end_read, transaction
from portal.models import JobLease
from portal.services import house_alarms
from portal.services.reconciliation import standing

logger = logging.getLogger(__name__)

_MARK = "portal:books:mark"
#: Rows of this job are written every ten seconds, never changed, and kept for a day.
_JOB = "sweep"
#: A mark of an older row proves nothing: the row may have been dropped for its age.
_BELIEVED_FOR = timedelta(hours=12)
TITLE = "The database was restored"


def start_anew_after_restore() -> bool:
    """Call at the start of a worker and at every sweep: when the row that Redis remembers is not there, no
    comparison counts any more, ids leave a gap, and the administrators are told. True when it was so. Without
    a mark (Redis is away, empty, or as old as the database) nothing is known and nothing is done. Commits;
    may be repeated, also at the same time."""
    redis: Redis = current_app.extensions["portal_redis"]
    with suppress(RedisError):
        known = redis.get(_MARK)
        found = known is not None and _is_gone(str(known, "ascii"))  # type: ignore[arg-type]
        if found:
            _start_anew()
        newest = db.session.scalar(
            sa.select(_named()).where(JobLease.job == _JOB).order_by(JobLease.id.desc()).limit(1)
        )
        end_read()
        if newest is not None:
            redis.set(_MARK, newest, ex=_BELIEVED_FOR)
        return found
    return False


def _named() -> sa.ColumnElement[str]:
    """One row and no other, in SQL: numbers are given again after a restore, the moments beside them not."""
    moment = sa.cast(sa.func.extract("epoch", JobLease.started_at) * 1_000_000, sa.BigInteger)
    return sa.func.concat(JobLease.id, ":", moment)


def _is_gone(mark: str) -> bool:
    there = db.session.scalar(
        sa.select(JobLease.id).where(JobLease.id == int(mark.partition(":")[0]), _named() == mark)
    )
    end_read()
    return there is None


def _start_anew() -> None:
    with transaction():
        standing.note_restore()
    logger.error("the database is older than it was: every account is compared anew before it trades")
    house_alarms.tell(
        TITLE,
        "Rows that were stored a moment ago are not there. No account takes an entry before it was compared"
        " with its exchange again. Run `portal reconcile` and `portal verify-books`, and look at the orders"
        " of the time that is missing.",
    )
