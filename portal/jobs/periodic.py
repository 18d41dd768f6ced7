"""The table of periodic jobs. Pure: no Redis, no clock, no rq."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from portal.jobs.table import JOBS

DAY = 24 * 3600
#: A daily job that was killed or failed is tried again after so long; until then its run may still go on.
AGAIN = 3600

#: Schedulers whose clocks differ by less leave each other's entries alone.
_CLOCKS_DIFFER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job without arguments that runs once per tick, however many schedulers suggest it."""

    name: str
    #: Length of a tick in seconds. Ticks start at multiples of it in Unix time; those of a day at 00:00 UTC.
    interval: int
    #: Time of day (UTC) of a daily job.
    at: time | None = None

    @property
    def queue(self) -> str:
        return JOBS[self.name].queue

    @property
    def cron(self) -> str | None:
        return f"{self.at.minute} {self.at.hour} * * *" if self.at else None

    def first(self, now: datetime) -> datetime:
        """When to suggest it for the first time. A daily job whose hour has passed is due now: the lease of
        the day knows whether it ran."""
        if self.at is None:
            return now
        return datetime.combine(now.astimezone(UTC).date(), self.at, UTC)

    def next(self, now: datetime) -> datetime:
        """The suggestion after this moment: a quarter into a tick, so that clocks which differ by less agree
        on the tick. A daily job is suggested every hour from its time on: the lease knows whether it ended
        well."""
        if self.at is not None:
            today = self.first(now)
            if today > now:
                return today
            again = today + timedelta(seconds=AGAIN * ((now - today) // timedelta(seconds=AGAIN) + 1))
            return min(again, today + timedelta(days=1))
        into = now.timestamp() % self.interval
        wait = self.interval / 4 - into
        return now + timedelta(seconds=wait if wait > 0 else wait + self.interval)

    @property
    def again_after(self) -> int | None:
        """Seconds after which a run that never ended may be repeated within its tick. None: the next tick is
        soon enough."""
        return AGAIN if self.at is not None else None

    def latest(self, now: datetime) -> datetime:
        """The next suggestion cannot be later than this, whatever happened."""
        return now + timedelta(seconds=self.interval if self.at is None else DAY) + _CLOCKS_DIFFER


PERIODIC = (
    Periodic("sweep", 10),
    Periodic("check_positions", 60),
    Periodic("sync_connections", 60),
    Periodic("send_notifications", 60),
    Periodic("check_connections", 300),
    Periodic("update_analytics", DAY, time(0, 5)),
    Periodic("verify_books", DAY, time(0, 5)),
    Periodic("verify_audit", DAY, time(0, 5)),
)
