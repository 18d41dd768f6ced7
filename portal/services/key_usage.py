"""Which keys stored secrets are under: how far a rotation is. Decrypts nothing and changes nothing."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portal import crypto
from portal.db import db
from portal.models import DataConnection, ExecutionConnection, NotificationChannel, User

_SEALED: tuple[Any, ...] = (
    ExecutionConnection.credentials,
    DataConnection.credentials,
    NotificationChannel.credentials,
    User.totp_seed,
)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One key by its id, which says nothing about the key. `configured`: this process can read what is under
    it; `primary`: it encrypts what is stored from now on."""

    key_id: str
    secrets: int
    configured: bool
    primary: bool


def key_usage() -> list[KeyUse]:
    """Every key that is configured or that something stored is under, the primary one first. Reads over the
    session."""
    ring = crypto.keyring()
    counts = dict.fromkeys(ring.ids, 0)
    for column in _SEALED:
        key_id = sa.func.split_part(column, ".", 2)
        rows = db.session.execute(
            sa.select(key_id, sa.func.count()).where(column.like("v1.%")).group_by(key_id)
        ).all()
        for found, count in rows:
            counts[found] = counts.get(found, 0) + count
    return [KeyUse(each, counts[each], each in ring.ids, each == ring.primary_id) for each in counts]
