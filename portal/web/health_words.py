"""A connection's past in words: since when it worked or failed, for how long, and who changed its keys. Pure
text for the panel and the portal pages."""

from dataclasses import dataclass
from datetime import datetime

from portal.db import utcnow
from portal.models import AuditEntry, User
from portal.services.connections_history import ended_at

_STATES = {
    "portal.connection.created": ("added", "The connection was made."),
    "portal.connection.imported": ("added", "The connection was imported."),
    "portal.connection.failed": ("error", ""),
    "portal.connection.proved": ("healthy", "Its first test succeeded."),
    "portal.connection.recovered": ("healthy", "A check succeeded."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One stretch of the past. Without `until` it lasts."""

    at: datetime
    state: str
    said: str
    lasted: str


def history(entries: list[AuditEntry], connection_id: int) -> list[Line]:
    """What the entries (newest first) say, with how long each state lasted."""
    ends = ended_at(entries, connection_id)
    return [_line(entry, end) for entry, end in zip(entries, ends, strict=True)]


def changed_by(entry: AuditEntry, reader: User | None) -> str:
    """Who it was, for an administrator (no `reader`), or for the owner, who need not know other people."""
    if reader is not None and entry.actor_id == reader.id:
        return "you"
    # Of a person who is gone, only the address is left.
    return "an administrator" if reader is not None and "@" in entry.actor else entry.actor


def lasting(seconds: float) -> str:
    """A duration in its two largest units."""
    left = max(0, int(seconds))
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def _line(entry: AuditEntry, end: datetime | None) -> Line:
    state, said = _STATES.get(entry.action, ("", ""))
    if not state:
        on = str(entry.data.get("is_active")) == "True"
        state, said = ("switched on", "") if on else ("switched off", "")
    said = str(entry.data.get("reason", said))
    lasted = lasting(((end or utcnow()) - entry.at).total_seconds())
    return Line(entry.at, state, said, lasted if end else f"{lasted}, until now")
