"""Proof that nobody touched the audit trail: every entry is hashed again and compared with the chain that the
database made. Reads only; the nightly run writes down what it found and tells the administrators.

The hashes are computed here, not by the database's own function, so that replacing that one hides nothing.
"""

import hashlib
import logging
from dataclasses import dataclass, replace

import sqlalchemy as sa

from portal.db import db, end_read, transaction
from portal.models import AuditEntry, AuditHead
from portal.services import audit, audit_orders
from portal.services.notifications import notify
from portal.trading.types import NotificationType

logger = logging.getLogger(__name__)

GENESIS = "0" * 64
_BATCH = 2000
_WHAT_NEXT = (
    " Portico cannot do that: somebody wrote to the database past it. Halt trading, change the password of"
    " the database, and keep a copy of it as it is."
)
_CONTENT = sa.cast(
    sa.func.jsonb_build_array(
        AuditEntry.number,
        AuditEntry.id,
        sa.func.to_char(sa.func.timezone("UTC", AuditEntry.at), 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        AuditEntry.actor,
        AuditEntry.action,
        AuditEntry.object_type,
        AuditEntry.object_id,
        AuditEntry.data,
    ),
    sa.Text,
)


@dataclass(frozen=True, slots=True)
class Chain:
    """What a look at the chain showed. `problem` is empty when every entry is as it was written."""

    #: Entries that the chain should have.
    entries: int
    #: Hash of the newest of them.
    head: str
    problem: str = ""


def verify(*, newest: int | None = None) -> Chain:
    """Hash the whole chain again, or only its `newest` entries. Ends at the first contradiction and names it.
    Writes nothing; may be repeated at any time, also while entries are added."""
    head = db.session.execute(sa.select(AuditHead.number, AuditHead.hash)).one_or_none()
    last, expected = (head.number, head.hash) if head else (0, GENESIS)
    start = max(0, last - newest) if newest is not None else 0
    problem = _unchained() or _compare(start, last, expected)
    return Chain(last, expected, problem)


def verify_nightly() -> Chain:
    """`verify`, of the orders too, with an entry about it, and a notification when something was changed.
    Seals the orders of the day. Commits; may be repeated."""
    chain = verify()
    if not chain.problem:
        chain = replace(chain, problem=audit_orders.find_changed_orders())
    end_read()
    audit_orders.seal_orders()
    with transaction():
        if chain.problem:
            logger.error("the audit trail was changed: %s", chain.problem)
            audit.record(audit.SYSTEM, "portal.audit.broken", "audit", problem=chain.problem)
            notify(NotificationType.ERROR, "The audit trail was changed", f"{chain.problem}.{_WHAT_NEXT}")
        else:
            # The log keeps what the database cannot change afterwards.
            logger.info("the audit trail is whole: %d entries, head %s", chain.entries, chain.head)
            audit.record(
                audit.SYSTEM, "portal.audit.verified", "audit", entries=chain.entries, head=chain.head
            )
    return chain


def _unchained() -> str:
    found = db.session.scalar(sa.select(AuditEntry.id).where(AuditEntry.number.is_(None)).limit(1))
    return f"entry {found} is not in the chain" if found is not None else ""


def _compare(start: int, last: int, head: str) -> str:
    number, before = start, GENESIS
    if start:
        before = db.session.scalar(sa.select(AuditEntry.hash).where(AuditEntry.number == start)) or ""
    while number < last:
        rows = db.session.execute(
            sa.select(AuditEntry.number, AuditEntry.id, AuditEntry.hash, _CONTENT)
            .where(AuditEntry.number > number, AuditEntry.number <= last)
            .order_by(AuditEntry.number)
            .limit(_BATCH)
        ).all()
        for found, entry_id, stored, content in rows:
            place = found or 0
            if place != number + 1:
                return f"{_entries(place - number - 1)} missing after number {number}"
            if hashlib.sha256((before + content).encode()).hexdigest() != stored:
                return f"entry {entry_id} (number {place}) is not as it was written, or the one before it"
            number, before = place, stored
        if not rows:
            return f"the last {_entries(last - number)} missing, after number {number}"
    return "" if before == head else f"the chain does not end as it did at number {last}"


def _entries(count: int) -> str:
    return "1 entry is" if count == 1 else f"{count} entries are"
