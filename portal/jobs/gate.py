"""Asked before every job of a worker: is the schema still the one this program was written for, and may its
clock be believed? Runs nothing and changes no row; a job that may not run goes back into its queue.

* **Schema.** After a migration an old worker would write rows that the new program reads wrongly: it takes
  no further job and ends.
* **Clock.** Signals are too old, and silence proves an absence, by the clock of the worker. While that
  differs from the database's, or shortly after it jumped, this worker neither sends entries, nor asks about
  orders in doubt, nor reconciles. Everything that protects or closes a position runs on.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from portal.db import db, utcnow
from portal.jobs import queues
from portal.jobs.engine.allowlist import Call
from portal.jobs.table import URGENT
from portal.services import house_alarms, schema
from portal.trading.proof import NO_WINDOW_SLACK

logger = logging.getLogger(__name__)

#: Seconds for which an answer of the database is believed.
LOOK_EVERY = 1.0
#: `portal check` warns earlier.
TOLERANCE = timedelta(seconds=5)
#: After a jump, moments that were stored before it and moments of now do not fit together for so long.
DISTRUST = (NO_WINDOW_SLACK + timedelta(seconds=30)).total_seconds()
#: Jobs that decide by the clock. Exits and guards are not among them.
BY_THE_CLOCK = frozenset({"run_execution", "resolve_order", "cancel_late_entry", "sync_connection"})
#: A pause before such a job goes back, so that a worker with the right time finds it first.
_POLITE = 0.2


class Gate:
    """One per worker process; safe to share between threads. `retire` is called once, when the worker must
    end because the schema is not its own."""

    def __init__(self, retire: Callable[[], None]) -> None:
        self._retire = retire
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._walls = _wall_minus_monotonic()
        self._distrust_until = float("-inf")
        self._wrong_by = timedelta(0)
        #: Why the worker ends; None while it does not.
        self.retired: str | None = None

    def admits(self, call: Call) -> bool:
        """Whether `call` may run now. When not, and it is urgent, it was put back into its queue. Raises
        SQLAlchemyError when the database does not answer."""
        with self._lock:
            self._notice_a_jump()
            if time.monotonic() - self._looked_at >= LOOK_EVERY:
                self._look()
            distrusted = self._distrust_until > time.monotonic() or abs(self._wrong_by) > TOLERANCE
        if self.retired is None and not (distrusted and call.name in BY_THE_CLOCK):
            return True
        if self.retired is None:
            time.sleep(_POLITE)
        if call.spec.queue in URGENT:  # what comes by the clock comes again anyway
            queues.enqueue(call.name, *call.ids)
        return False

    def _look(self) -> None:
        before = utcnow()
        now = db.session.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
        after = utcnow()
        wrong = schema.mismatch(schema.applied())
        db.session.rollback()
        self._looked_at = time.monotonic()
        self._note_clock(before - now if before > now else min(after - now, timedelta(0)))
        if wrong and self.retired is None:
            self.retired = wrong
            logger.error("%s This worker takes no more jobs and ends; what it had taken goes back.", wrong)
            self._retire()

    def _note_clock(self, wrong_by: timedelta) -> None:
        was_right = abs(self._wrong_by) <= TOLERANCE
        self._wrong_by = wrong_by
        if abs(wrong_by) > TOLERANCE and was_right:
            seconds = wrong_by.total_seconds()
            self._tell(f"The clock of a worker differs from the database's by {seconds:+.0f} s.")

    def _notice_a_jump(self) -> None:
        walls = _wall_minus_monotonic()
        jump = walls - self._walls
        self._walls = walls
        if abs(jump) > TOLERANCE.total_seconds():
            self._distrust_until = time.monotonic() + DISTRUST
            self._looked_at = float("-inf")
            self._tell(f"The clock of a worker jumped by {jump:+.0f} s.")

    def _tell(self, what: str) -> None:
        consequence = (
            "That worker sends no entries and settles no doubt about orders until its clock is right again;"
            " exits and stops go on. Run a time service (chrony, systemd-timesyncd) on every machine."
        )
        logger.error("%s %s", what, consequence)
        house_alarms.tell("The clock of a worker is wrong", f"{what} {consequence}")


def _wall_minus_monotonic() -> float:
    return utcnow().timestamp() - time.monotonic()
