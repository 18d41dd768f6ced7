"""When a channel may be written to. Pure: the clock is given."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal.models.channel import Digest
from portal.trading.types import NotificationType

#: Sent at once, at any hour: somebody may have to act.
URGENT = frozenset({
    NotificationType.LIQUIDATION,
    NotificationType.ERROR,
    NotificationType.UNRESOLVED,
    NotificationType.UNPROTECTED,
    NotificationType.HALT,
})  # fmt: skip
#: Between two messages to one channel that are not urgent; what happens meanwhile is told together.
GAP = timedelta(seconds=15)
#: After each failure, until the message is given up.
RETRIES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720))


def due_at(
    kind: NotificationType,
    now: datetime,
    *,
    digest: Digest = Digest.OFF,
    quiet_from: time | None = None,
    quiet_to: time | None = None,
    time_zone: str = "UTC",
    last_sent_at: datetime | None = None,
) -> datetime:
    """The first moment (UTC) at which a notification of `kind`, made at `now`, may be sent."""
    if kind in URGENT:
        return now
    local = now.astimezone(ZoneInfo(time_zone))
    moment = _after_gap(now, last_sent_at)
    if digest is Digest.HOURLY:
        moment = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    elif digest is Digest.DAILY:
        moment = _next(local, quiet_to or time(8)).astimezone(UTC)
    if quiet_from is None or quiet_to is None:
        return moment
    return _after_quiet(moment, quiet_from, quiet_to, time_zone)


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When to try again after `attempts` failures; None: not any more."""
    return now + RETRIES[attempts - 1] if attempts <= len(RETRIES) else None


def _after_gap(now: datetime, last_sent_at: datetime | None) -> datetime:
    return max(now, last_sent_at + GAP) if last_sent_at is not None else now


def _after_quiet(moment: datetime, start: time, end: time, time_zone: str) -> datetime:
    local = moment.astimezone(ZoneInfo(time_zone))
    clock = local.time()
    quiet = start <= clock < end if start <= end else clock >= start or clock < end
    return _next(local, end).astimezone(UTC) if quiet else moment


def _next(local: datetime, clock: time) -> datetime:
    """The next time that a clock on the wall shows `clock`."""
    today = local.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
    return today if today > local else today + timedelta(days=1)
