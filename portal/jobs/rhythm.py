"""How the last run of a periodic job ended, and when the next one really comes: for people. A daily job is
suggested every hour, and its lease lets most suggestions pass. Pure: no Redis, no database, no clock."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from portal.jobs.periodic import DAY, Periodic
from portal.jobs.table import JOBS


class Ending(StrEnum):
    """What became of a run."""

    RUNNING = "running"
    WELL = "ended well"
    BADLY = "did not end well"


def ending(
    entry: Periodic,
    started_at: datetime,
    finished_at: datetime | None,
    failed_at: datetime | None,
    now: datetime,
) -> Ending:
    """`failed_at`: when a run of this job failed last, where that is known. A run that is older than it may
    become was interrupted or killed."""
    if finished_at is not None:
        return Ending.WELL
    longest = timedelta(seconds=JOBS[entry.name].timeout)
    if (failed_at is not None and failed_at >= started_at) or now > started_at + longest:
        return Ending.BADLY
    return Ending.RUNNING


def next_run(
    entry: Periodic,
    suggested: datetime | None,
    now: datetime,
    started_at: datetime | None = None,
    ended: Ending | None = None,
) -> datetime | None:
    """When it will run, from the next suggestion and the last run; one that goes on is expected to end well.
    None when nothing is suggested."""
    if suggested is None or entry.at is None or started_at is None:
        return suggested
    today = now.astimezone(UTC).date()
    if started_at.astimezone(UTC).date() < today:
        # Not of this night: whatever is suggested next runs.
        return suggested
    tomorrow = datetime.combine(today, entry.at, UTC) + timedelta(seconds=DAY)
    if ended is not Ending.BADLY:
        return tomorrow
    again = started_at + timedelta(seconds=entry.again_after or 0)
    return min(tomorrow, max(suggested, entry.next(again)))
