"""Which notification goes to which channel, and when. Writes rows; sends nothing."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, transaction, utcnow
from portal.models import Notification, NotificationChannel, NotificationDelivery, Role, User
from portal.services.channels.timing import due_at

_BATCH = 500


def route(notification_ids: Sequence[int]) -> None:
    """Write down which channels these notifications go to. Owns one transaction; may be repeated: a
    notification goes to a channel once."""
    with transaction() as session:
        wanted = sa.select(Notification).where(
            Notification.id.in_(notification_ids), Notification.routed_at.is_(None)
        )
        _write(session.execute(wanted).scalars().all())


def route_rest() -> int:
    """The same for whatever nobody asked about, oldest first. Owns its transactions; may be repeated. Returns
    how many notifications were looked at."""
    done = 0
    while True:
        with transaction() as session:
            rest = (
                sa.select(Notification)
                .where(Notification.routed_at.is_(None))
                .order_by(Notification.id)
                .limit(_BATCH)
                .with_for_update(skip_locked=True)
            )
            found = session.execute(rest).scalars().all()
            _write(found)
        done += len(found)
        if len(found) < _BATCH:
            return done


def _write(found: Sequence[Notification]) -> None:
    if not found:
        return
    now = utcnow()
    rows = [
        {
            "notification_id": notification.id,
            "channel_id": channel.id,
            "created_at": now,
            "attempts": 0,
            "due_at": due_at(
                notification.type,
                now,
                digest=channel.digest,
                quiet_from=channel.quiet_from,
                quiet_to=channel.quiet_to,
                time_zone=channel.time_zone,
                last_sent_at=channel.last_sent_at,
            ),
        }
        for channel, is_admin in _channels()
        for notification in found
        if notification.type.value in channel.types
        and notification.created_at >= channel.created_at
        and (channel.user_id == notification.user_id or (notification.user_id is None and is_admin))
    ]
    if rows:
        db.session.execute(insert(NotificationDelivery).on_conflict_do_nothing(), rows)
    db.session.execute(
        sa.update(Notification)
        .where(Notification.id.in_([notification.id for notification in found]))
        .values(routed_at=now)
        .execution_options(synchronize_session=False)
    )


def _channels() -> Sequence[tuple[NotificationChannel, bool]]:
    wanted = (
        sa.select(NotificationChannel, User.roles.any(Role.name == "admin"))
        .join(User, User.id == NotificationChannel.user_id)
        .where(NotificationChannel.is_active, User.active)
    )
    return [(row[0], bool(row[1])) for row in db.session.execute(wanted).all()]
