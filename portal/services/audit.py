"""Who did what to what. Joins the caller's transaction, always: no change without its entry, no entry
without its change."""

from typing import Any

from portal.db import db
from portal.models import AuditEntry, User

SYSTEM = "system"
COMMAND_LINE = "command line"

Actor = User | str


def record(actor: Actor, action: str, object_type: str, object_id: int | None = None, **data: Any) -> None:
    """Add an entry to the running transaction. `action` is dotted: `portal.connection.created`. `data` must
    not hold a secret. Does not commit."""
    person = actor if isinstance(actor, User) else None
    db.session.add(
        AuditEntry(
            actor_id=person.id if person else None,
            actor=person.email if person else str(actor),
            action=action,
            object_type=object_type,
            object_id=object_id,
            data=data,
        )
    )
