"""What became of a connection in the past, read from the audit trail: when it worked, failed or was switched,
why, and who changed its credentials. Reads only, by the index of the trail."""

from datetime import datetime

import sqlalchemy as sa

from portal.db import db
from portal.models import AuditEntry

#: What changes whether it trades.
_STATES = (
    "portal.connection.created", "portal.connection.imported", "portal.connection.failed",
    "portal.connection.proved", "portal.connection.recovered",
)  # fmt: skip
_KEYS = (
    "portal.connection.created", "portal.connection.imported", "portal.connection.credentials_replaced",
)  # fmt: skip


def changes_of(connection_id: int) -> sa.Select[AuditEntry]:
    """The entries that say when the connection began or ceased to work. In no order."""
    switched = sa.and_(AuditEntry.action == "portal.connection.updated", AuditEntry.data.op("?")("is_active"))
    return _of(connection_id).where(sa.or_(AuditEntry.action.in_(_STATES), switched))


def ended_at(entries: list[AuditEntry], connection_id: int) -> list[datetime | None]:
    """Until when each of `entries` (newest first, without gaps) held: until the next one; None: until now."""
    if not entries:
        return []
    newer = changes_of(connection_id).where(AuditEntry.id > entries[0].id)
    following = db.session.scalars(newer.order_by(AuditEntry.id).limit(1)).first()
    return [following.at if following is not None else None, *(entry.at for entry in entries[:-1])]


def credentials_changed(connection_id: int) -> AuditEntry | None:
    """The entry of the last change of the credentials; None when the trail does not know of one."""
    query = _of(connection_id).where(AuditEntry.action.in_(_KEYS))
    return db.session.scalars(query.order_by(AuditEntry.id.desc()).limit(1)).first()


def _of(connection_id: int) -> sa.Select[AuditEntry]:
    return sa.select(AuditEntry).where(
        AuditEntry.object_type == "connection", AuditEntry.object_id == connection_id
    )
