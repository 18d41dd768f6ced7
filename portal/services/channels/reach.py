"""Who has a channel at all. Asked for every notification, so it is remembered for a few seconds; a channel
that is younger is served by the minute's round."""

import time

import sqlalchemy as sa
from flask import current_app

from portal.db import db
from portal.models import NotificationChannel, Role, User

_EXTENSION = "portal_channel_owners"
_REMEMBER = 10.0


def has_channel(user_id: int | None) -> bool:
    """Whether `user_id` (nobody: any administrator) wants to be told outside the portal. One small query each
    ten seconds; joins the caller's transaction."""
    until, owners, admins = current_app.extensions.get(_EXTENSION, (0.0, frozenset(), False))
    if time.monotonic() >= until:
        owners, admins = _look()
        current_app.extensions[_EXTENSION] = (time.monotonic() + _REMEMBER, owners, admins)
    return bool(admins) if user_id is None else user_id in owners


def forget() -> None:
    """Look again at the next question: after this process changed a channel."""
    current_app.extensions.pop(_EXTENSION, None)


def _look() -> tuple[frozenset[int], bool]:
    is_admin = User.roles.any(Role.name == "admin")
    wanted = (
        sa.select(NotificationChannel.user_id, is_admin)
        .join(User, User.id == NotificationChannel.user_id)
        .where(NotificationChannel.is_active, User.active)
    )
    with db.session.no_autoflush:
        rows = db.session.execute(wanted).all()
    return frozenset(row[0] for row in rows), any(row[1] for row in rows)
