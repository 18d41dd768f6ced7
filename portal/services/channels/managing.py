"""Making, changing and removing channels, for their owner. Opens no connection."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from flask import current_app

from portal.db import db, request_job, transaction, utcnow
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import NotificationChannel, User
from portal.models.channel import Digest
from portal.services import audit
from portal.services.channels import addresses, reach
from portal.trading.types import NotificationType

#: More would be a mistake, or somebody who uses the portal to write to others.
MOST_CHANNELS = 10
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What an owner wants of a channel; `url` empty leaves the stored address as it is."""

    name: str
    url: str = ""
    types: tuple[str, ...] = tuple(each.value for each in NotificationType)
    digest: str = Digest.OFF.value
    quiet_from: time | None = None
    quiet_to: time | None = None
    time_zone: str = "UTC"


def create(owner: User, wishes: Wishes, *, actor: audit.Actor) -> NotificationChannel:
    """Store a channel of `owner`, its address encrypted. Commits. Raises ValidationError with a reason per
    field, ConflictError when there are too many; nothing is stored then."""
    errors = _problems(wishes)
    address = _address(wishes.url, errors)
    if errors or address is None:
        raise ValidationError(errors)
    with transaction() as session:
        session.get_one(User, owner.id, with_for_update={"of": User})
        mine = NotificationChannel.user_id == owner.id
        count = session.execute(sa.select(sa.func.count()).where(mine)).scalar_one()
        if count >= MOST_CHANNELS:
            raise ConflictError(
                f"You have {count} channels, which is the most there can be. Nothing was stored; remove one "
                "first."
            )
        channel = NotificationChannel(user_id=owner.id)
        _apply(channel, wishes, address)
        session.add(channel)
        session.flush()
        audit.record(
            actor, "portal.channel.created", "channel", channel.id, service=channel.service, user_id=owner.id
        )
    reach.forget()
    return channel


def update(channel_id: int, wishes: Wishes, *, actor: audit.Actor) -> None:
    """Change a channel; an empty address keeps the stored one. Commits; may be repeated. Raises NotFoundError
    and ValidationError."""
    errors = _problems(wishes)
    address = _address(wishes.url, errors) if wishes.url else None
    if errors:
        raise ValidationError(errors)
    with transaction():
        channel = _lock(channel_id)
        _apply(channel, wishes, address)
        audit.record(
            actor, "portal.channel.changed", "channel", channel.id, address_changed=address is not None
        )
    reach.forget()


def switch(channel_id: int, *, on: bool, actor: audit.Actor) -> None:
    """Send to this channel, or stop it. Commits; may be repeated. Raises NotFoundError."""
    with transaction():
        channel = _lock(channel_id)
        if channel.is_active != on:
            channel.is_active, channel.failures = on, 0
            word = "resumed" if on else "paused"
            audit.record(actor, f"portal.channel.{word}", "channel", channel.id)
    reach.forget()


def delete(channel_id: int, *, actor: audit.Actor) -> None:
    """Remove a channel, its address and what waits for it. Commits. Raises NotFoundError."""
    with transaction() as session:
        channel = _lock(channel_id)
        audit.record(actor, "portal.channel.deleted", "channel", channel.id, service=channel.service)
        session.delete(channel)
    reach.forget()


def request_test(channel_id: int, *, actor: audit.Actor) -> None:
    """Ask for a test message. Commits; asked twice before it was sent, it is sent once. Raises
    NotFoundError."""
    with transaction():
        channel = _lock(channel_id)
        channel.test_requested_at = utcnow()
        channel.last_error = None
        audit.record(actor, "portal.channel.tested", "channel", channel.id)
        request_job("test_channel", channel.id)


def _apply(channel: NotificationChannel, wishes: Wishes, address: addresses.Address | None) -> None:
    channel.name = wishes.name.strip()
    channel.types = sorted(set(wishes.types))
    channel.digest = Digest(wishes.digest)
    channel.quiet_from, channel.quiet_to = wishes.quiet_from, wishes.quiet_to
    channel.time_zone = wishes.time_zone
    if address is not None:
        channel.set_credentials({"url": wishes.url.strip()})
        channel.service, channel.shown_as = address.service, address.shown_as
        channel.last_error, channel.failures = None, 0


def _problems(wishes: Wishes) -> dict[str, str]:
    errors: dict[str, str] = {}
    name = wishes.name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        errors["name"] = f"must be 1 to {_LONGEST_NAME} characters on one line"
    if not wishes.types or not _known(wishes.types):
        errors["types"] = "must be at least one of the kinds that are offered"
    if wishes.digest not in {each.value for each in Digest}:
        errors["digest"] = "must be one of the offered ones"
    if (wishes.quiet_from is None) != (wishes.quiet_to is None):
        errors["quiet_to" if wishes.quiet_to is None else "quiet_from"] = (
            "is needed, too, or leave both empty"
        )
    elif wishes.quiet_from is not None and wishes.quiet_from == wishes.quiet_to:
        errors["quiet_to"] = "must differ from the beginning"
    try:
        ZoneInfo(wishes.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        errors["time_zone"] = "is not a time zone; write it as Europe/Berlin"
    return errors


def _known(types: Iterable[str]) -> bool:
    return set(types) <= {each.value for each in NotificationType}


def _address(url: str, errors: dict[str, str]) -> addresses.Address | None:
    try:
        return addresses.check(url, current_app.extensions["portal_settings"].notify_private_hosts)
    except ValidationError as error:
        errors.update(error.errors)
        return None


def _lock(channel_id: int) -> NotificationChannel:
    found = db.session.get(
        NotificationChannel,
        channel_id,
        with_for_update={"of": NotificationChannel},
        populate_existing=True,
    )
    if found is None:
        raise NotFoundError(f"There is no channel {channel_id}. Nothing was changed.")
    return found
