"""The table of jobs: which names exist, what they call, how urgent they are and how long they may take.

Nothing outside this table is ever queued or run. Imports no job, no rq and no Redis.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

EXITS = "exits"
ORDERS = "orders"
#: The first guards of new positions: urgent, but a fan-out does not wait for them.
GUARDS = "guards"
WATCH = "watch"
DEFAULT = "default"
NOTIFY = "notify"
#: What somebody looks at before anything is traded: last, and a little at a time.
PREVIEWS = "previews"

#: Most urgent first. The first three are one lane of the worker, the others the second (see `lanes.py`).
QUEUES = (EXITS, ORDERS, GUARDS, WATCH, DEFAULT, NOTIFY, PREVIEWS)
URGENT = frozenset({EXITS, ORDERS, GUARDS})


@dataclass(frozen=True, slots=True)
class JobSpec:
    """How one kind of job is queued and run."""

    #: Dotted name of the function; it takes row ids and returns nothing.
    function: str
    queue: str
    #: Seconds after which the worker interrupts it.
    timeout: int
    #: Seconds to wait before each repetition by RQ. Empty: never repeated, the sweeper decides from the rows.
    retry_delays: tuple[int, ...] = ()
    #: A fan-out of this job is spread evenly over so many seconds instead of starting at once.
    spread_seconds: int = 0


JOBS: Mapping[str, JobSpec] = MappingProxyType({
    "close_position": JobSpec("portal.jobs.positions.close_position", EXITS, 90),
    "protect_position": JobSpec("portal.jobs.positions.protect_position", EXITS, 90),
    "protect_new_position": JobSpec("portal.jobs.positions.protect_new_position", GUARDS, 90),
    "run_execution": JobSpec("portal.jobs.executions.run_execution", ORDERS, 90),
    "resolve_order": JobSpec("portal.jobs.executions.resolve_order", ORDERS, 90),
    "adopt_order": JobSpec("portal.jobs.executions.adopt_order", ORDERS, 90),
    "look_for_candidates": JobSpec("portal.jobs.executions.look_for_candidates", WATCH, 90),
    "cancel_late_entry": JobSpec("portal.jobs.executions.cancel_late_entry", ORDERS, 90),
    "sweep": JobSpec("portal.jobs.executions.sweep", WATCH, 60),
    "check_positions": JobSpec("portal.jobs.positions.check_positions", WATCH, 120),
    "sync_connections": JobSpec("portal.jobs.reconciliation.sync_connections", WATCH, 60),
    "sync_connection": JobSpec("portal.jobs.reconciliation.sync_connection", WATCH, 120, spread_seconds=45),
    "check_connections": JobSpec("portal.jobs.connections.check_connections", DEFAULT, 60),
    "check_connection": JobSpec("portal.jobs.connections.check_connection", DEFAULT, 120, spread_seconds=240),
    "test_connection": JobSpec("portal.jobs.connections.test_connection", DEFAULT, 60),
    "update_analytics": JobSpec("portal.jobs.analytics.update_analytics", DEFAULT, 1800),
    "verify_books": JobSpec("portal.jobs.analytics.verify_books", DEFAULT, 1800),
    "verify_audit": JobSpec("portal.jobs.analytics.verify_audit", DEFAULT, 1800),
    "deliver_notification": JobSpec(
        "portal.jobs.notifications.deliver_notification", NOTIFY, 60, retry_delays=(10, 60, 300)
    ),
    "test_channel": JobSpec("portal.jobs.notifications.test_channel", NOTIFY, 60),
    "preview_signal": JobSpec("portal.jobs.previews.preview_signal", PREVIEWS, 90),
    "send_notifications": JobSpec("portal.jobs.notifications.send_notifications", DEFAULT, 60),
})  # fmt: skip
