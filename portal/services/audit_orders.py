"""Every order in the audit trail, without a write in the path of an order: each night one entry carries the
hash of all orders since the last one, so that an order which is changed or removed afterwards is noticed."""

import hashlib
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.models import AuditEntry, Order
from portal.services import audit

SEALED = "portal.orders.sealed"
#: By then no transaction that writes an order is still open.
_AT_REST = timedelta(minutes=5)
_BATCH = 2000
#: What was asked of the exchange; it never changes after the intent was written.
_COLUMNS = (
    Order.id, Order.client_order_id, Order.role, Order.symbol, Order.side, Order.order_type, Order.quantity,
)  # fmt: skip


def seal_orders() -> int:
    """Write the entry for the orders since the last one. Returns how many they were. Commits; may be
    repeated."""
    last = db.session.scalar(
        sa.select(AuditEntry.object_id)
        .where(AuditEntry.action == SEALED)
        .order_by(AuditEntry.number.desc())
        .limit(1)
    )
    newest = db.session.scalar(sa.select(sa.func.max(Order.id)).where(Order.sent_at < utcnow() - _AT_REST))
    count, digest = _hash(last or 0, newest or 0)
    end_read()
    if count:
        with transaction():
            audit.record(
                audit.SYSTEM, SEALED, "order", newest, after_id=last or 0, orders=count, sha256=digest
            )
    return count


def find_changed_orders() -> str:
    """Hash all sealed orders again: the first contradiction, or nothing. Writes nothing; may be repeated."""
    seals = db.session.execute(
        sa.select(AuditEntry.object_id, AuditEntry.data)
        .where(AuditEntry.action == SEALED)
        .order_by(AuditEntry.number)
    ).all()
    for newest, data in seals:
        found = _hash(int(data["after_id"]), newest or 0)
        if found != (data["orders"], data["sha256"]):
            return (
                f"orders {int(data['after_id']) + 1} to {newest} are not what was sealed ({found[0]} found)"
            )
    return ""


def _hash(after: int, newest: int) -> tuple[int, str]:
    count, digest = 0, hashlib.sha256()
    while after < newest:
        rows: Any = db.session.execute(
            sa.select(*_COLUMNS).where(Order.id > after, Order.id <= newest).order_by(Order.id).limit(_BATCH)
        ).all()
        if not rows:
            break
        for row in rows:
            digest.update("|".join(map(str, row)).encode() + b"\n")
        count += len(rows)
        after = rows[-1][0]
    return count, digest.hexdigest()
