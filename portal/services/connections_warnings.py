"""Warnings that come before something stops working: a key near its end, a clock that is off. Joins the
caller's transaction."""

import math
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.db import db
from portal.models import ExecutionConnection, Notification
from portal.services import notifications
from portal.services.connections_status import tell
from portal.trading.types import NotificationType

#: Days before a key's end on which its owner hears of it, once each.
EXPIRY_DAYS = (1, 7, 14)
#: Venues refuse requests that differ by a few seconds; a clock that is off by one is not kept by anybody.
CLOCK_LIMIT_MS = 1_000
#: Administrators hear of a clock this often while it is off, however many accounts and workers notice it.
CLOCK_REMINDER = timedelta(days=1)


def warn_of_expiry(row: ExecutionConnection, now: datetime) -> None:
    """Tell the owner 14, 7 and 1 days before the key dies, once each."""
    if row.key_expires_at is None or not row.is_active:
        return
    left = row.key_expires_at - now
    stage = next((days for days in EXPIRY_DAYS if left <= timedelta(days=days)), None)
    if stage is None or row.warned.get("expiry_days", stage + 1) <= stage:
        return
    row.warned = {**row.warned, "expiry_days": stage}
    days = max(0, math.ceil(left / timedelta(days=1)))
    when = f"in {days} days" if days > 1 else "within a day" if left > timedelta(0) else "in the past"
    tell(
        row,
        f"The API key of {row.name} expires on {row.key_expires_at:%d %B %Y}",
        f"That is {when}. From then on the exchange refuses it, exits included. Make a new key there, or "
        "renew this one, and enter it here.",
    )


def warn_of_clock(row: ExecutionConnection, now: datetime) -> None:
    """Tell the administrators, once a day per exchange, that the clocks differ by more than a second."""
    offset = row.clock_offset_ms
    if offset is None or abs(offset) <= CLOCK_LIMIT_MS:
        return
    title = f"The clock differs from that of {row.exchange_name}"
    # Several workers may find it at the same moment.
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(title))))
    told = sa.select(Notification.id).where(
        Notification.type == NotificationType.CONNECTION,
        Notification.title == title,
        Notification.created_at > now - CLOCK_REMINDER,
    )
    if db.session.execute(told.limit(1)).first() is not None:
        return
    notifications.notify(
        NotificationType.CONNECTION,
        title,
        f"Ours is {abs(offset) / 1000:.1f} s {'ahead' if offset > 0 else 'behind'}. Requests are signed with "
        "the exchange's time, so orders still pass. If this is our clock, expiry times and signal ages are "
        "wrong: run a time service (chrony, systemd-timesyncd) on every worker machine.",
    )
