"""What the administrators of the installation are told about its machines: a clock that is wrong, a job that
somebody forged. The same sentence at most once an hour."""

from datetime import timedelta

import sqlalchemy as sa

from portal.db import transaction
from portal.models import Notification
from portal.services.notifications import notify
from portal.trading.types import NotificationType

#: Serialises tellers, so that ten workers which see the same tell it once.
_LOCK = 0x616C6172
_QUIET = timedelta(hours=1)


def tell(title: str, body: str) -> bool:
    """Notify the administrators, unless they were told under this title within the hour. Commits; may be
    repeated by anybody. Returns whether it was told."""
    with transaction() as session:
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        told = sa.select(Notification.id).where(
            Notification.user_id.is_(None),
            Notification.title == title,
            Notification.created_at > sa.func.now() - _QUIET,
        )
        if session.execute(told.limit(1)).first() is not None:
            return False
        notify(NotificationType.ERROR, title, body)
        return True
