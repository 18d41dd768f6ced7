"""Sending what is due. Whoever moves `due_at` forward has the messages; a crash in between sends them once
more, which people bear better than silence."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import sqlalchemy as sa
from flask import current_app

from portal.config import Settings
from portal.crypto import DecryptionError
from portal.db import db, end_read, request_job, transaction, utcnow
from portal.errors import PortalError
from portal.models import (
    ExecutionConnection,
    Notification,
    NotificationChannel,
    NotificationDelivery,
)
from portal.services.channels import routing, texts, timing
from portal.services.channels.places import Places, PutOffError
from portal.services.channels.posting import Letter, NotDeliveredError, Outcome, post_all
from portal.services.notifications import notify
from portal.trading.types import NotificationType

logger = logging.getLogger(__name__)

_CLAIM = timedelta(seconds=90)
_MOST = 200
#: So many messages refused in a row, and the channel is switched off.
_BROKEN = 12
_EXTENSION = "portal_places"


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What is sent to one channel at once."""

    channel_id: int
    name: str
    deliveries: tuple[int, ...]
    letter: Letter


def deliver(notification_id: int) -> None:
    """Send one notification, and what else is due there, to the owner's channels. Owns its transactions; may
    be repeated. Raises NotDeliveredError when a channel refused and it is worth asking again soon."""
    routing.route([notification_id])
    mine = sa.select(NotificationDelivery.channel_id).where(
        NotificationDelivery.notification_id == notification_id, *_waiting()
    )
    channels = list(db.session.execute(mine).scalars())
    end_read()
    _send_to(channels)


def send_due() -> int:
    """The minute's round: route what was missed, and ask for what is due (quiet hours that ended, digests,
    second tries). Owns its transactions; may be repeated. Returns how many channels have something due."""
    routing.route_rest()
    with transaction() as session:
        due = (
            sa.select(sa.func.min(NotificationDelivery.notification_id))
            .where(*_waiting())
            .group_by(NotificationDelivery.channel_id)
        )
        waiting = list(session.execute(due).scalars())
        for notification_id in waiting:
            request_job("deliver_notification", notification_id)
    return len(waiting)


def send_test(channel_id: int) -> None:
    """Send the test message that somebody asked for. Owns its transactions; sends once per request. Raises
    nothing that a service can cause: what it said is on the channel's row."""
    with transaction() as session:
        channel = session.get(NotificationChannel, channel_id, with_for_update={"of": NotificationChannel})
        if channel is None or channel.test_requested_at is None:
            return
        channel.test_requested_at = None
        try:
            message = texts.test_message(channel.name, _settings().public_url)
            parcel = _Parcel(channel.id, channel.name, (), Letter(_url(channel), message))
        except DecryptionError as error:
            channel.last_error = str(error)
            return
    if _send([parcel]):
        logger.info("channel %s: the test message was not taken", channel_id)


def _send_to(channels: Sequence[int]) -> None:
    claimed = (_claim(channel_id) for channel_id in channels)
    refused = _send([parcel for parcel in claimed if parcel is not None])
    if refused:
        raise NotDeliveredError("; ".join(refused))


def _send(parcels: Sequence[_Parcel]) -> list[str]:
    """Send all of them at the same time, and write down what became of each. Returns the refusals."""
    refused = []
    letters = [parcel.letter for parcel in parcels]
    for number, outcome in post_all(letters, _places(), _settings().notify_private_hosts):
        parcel = parcels[number]
        _record(parcel, outcome)
        if isinstance(outcome, NotDeliveredError):
            refused.append(f"{parcel.name}: {outcome}")
    return refused


def _record(parcel: _Parcel, outcome: Outcome) -> None:
    if isinstance(outcome, NotDeliveredError):
        _record_failure(parcel, str(outcome))
    elif isinstance(outcome, PutOffError):
        _record_delay(parcel, outcome)
    else:
        _record_success(parcel)


def _record_success(parcel: _Parcel) -> None:
    now = utcnow()
    with transaction() as session:
        session.execute(
            sa.update(NotificationDelivery)
            .where(NotificationDelivery.id.in_(parcel.deliveries))
            .values(sent_at=now, error=None)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            sa.update(NotificationChannel)
            .where(NotificationChannel.id == parcel.channel_id)
            .values(last_sent_at=now, last_error=None, failures=0)
            .execution_options(synchronize_session=False)
        )


def _claim(channel_id: int) -> _Parcel | None:
    """Everything that is due for one channel, taken so that nobody else sends it."""
    with transaction() as session:
        channel = session.get(NotificationChannel, channel_id)
        if channel is None or not channel.is_active:
            return None
        due = (
            sa.select(NotificationDelivery)
            .where(NotificationDelivery.channel_id == channel_id, *_waiting())
            .order_by(NotificationDelivery.notification_id)
            .limit(_MOST)
            .with_for_update(skip_locked=True)
        )
        taken = session.execute(due).scalars().all()
        if not taken:
            return None
        for delivery in taken:
            delivery.due_at = utcnow() + _CLAIM
            delivery.attempts += 1
        told = _told([delivery.notification_id for delivery in taken])
        try:
            url = _url(channel)
        except DecryptionError as error:
            channel.is_active, channel.last_error = False, str(error)
            return None
        ids = tuple(delivery.id for delivery in taken)
        return _Parcel(
            channel.id, channel.name, ids, Letter(url, texts.message(told, _settings().public_url))
        )


def _told(ids: Sequence[int]) -> list[texts.Told]:
    rows = db.session.execute(
        sa.select(Notification, ExecutionConnection.name)
        .outerjoin(ExecutionConnection, ExecutionConnection.id == Notification.connection_id)
        .where(Notification.id.in_(ids))
        .order_by(Notification.id)
    ).all()
    return [
        texts.Told(row.type, row.title, row.body, account, _path(row), row.created_at)
        for row, account in rows
    ]


def _path(row: Notification) -> str:
    return texts.page_of(
        row.type,
        position_id=row.position_id,
        execution_id=row.execution_id,
        connection_id=row.connection_id,
        is_for_house=row.user_id is None,
    )


def _record_delay(parcel: _Parcel, outcome: PutOffError) -> None:
    """Nothing was sent, so it was no try: what waits is sent when the service may be asked again."""
    with transaction() as session:
        session.execute(
            sa.update(NotificationDelivery)
            .where(NotificationDelivery.id.in_(parcel.deliveries))
            .values(
                due_at=utcnow() + timedelta(seconds=outcome.seconds),
                attempts=NotificationDelivery.attempts - 1,
            )
            .execution_options(synchronize_session=False)
        )
        session.execute(
            sa.update(NotificationChannel)
            .where(NotificationChannel.id == parcel.channel_id)
            .values(last_error=str(outcome))
            .execution_options(synchronize_session=False)
        )


def _record_failure(parcel: _Parcel, why: str) -> None:
    now = utcnow()
    with transaction() as session:
        channel = session.get(NotificationChannel, parcel.channel_id, populate_existing=True)
        if channel is None:
            return
        channel.last_error = why
        if not parcel.deliveries:
            return
        channel.failures += 1
        for delivery in session.execute(
            sa.select(NotificationDelivery).where(NotificationDelivery.id.in_(parcel.deliveries))
        ).scalars():
            again = timing.retry_at(delivery.attempts, now)
            delivery.error = why
            delivery.due_at = again or now
            delivery.given_up_at = None if again else now
        if channel.failures >= _BROKEN and channel.is_active:
            channel.is_active = False
            notify(
                NotificationType.ERROR,
                f"Your channel “{channel.name}” was switched off",
                f"{_BROKEN} messages in a row were not taken: {why}. What happens is told in the portal only "
                "until you correct the channel and switch it on.",
                user_id=channel.user_id,
            )


def _waiting() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        NotificationDelivery.sent_at.is_(None),
        NotificationDelivery.given_up_at.is_(None),
        NotificationDelivery.due_at <= utcnow(),
    )


def _url(channel: NotificationChannel) -> str:
    url = channel.get_credential("url")
    if url is None:
        raise PortalError(f"channel {channel.id} has no address")
    return url


def _places() -> Places:
    extensions = current_app.extensions
    return cast(Places, extensions.setdefault(_EXTENSION, Places(extensions["portal_redis"])))


def _settings() -> Settings:
    settings: Settings = current_app.extensions["portal_settings"]
    return settings
