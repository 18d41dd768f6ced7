"""Checks of what connection tests have learnt: clocks that differ, keys that can withdraw or die soon. Reads
only."""

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from portal.config import Settings
from portal.db import db, utcnow
from portal.models import ExecutionConnection
from portal.services.connections_warnings import CLOCK_LIMIT_MS, EXPIRY_DAYS
from portal.services.health_checks_finding import Finding

#: An older measurement says nothing about today's clock.
_RECENT = timedelta(hours=1)


def check_clocks(settings: Settings) -> Iterator[Finding]:
    """W109 our clock and an exchange's differ by more than a second."""
    offset = ExecutionConnection.clock_offset_ms
    recent = ExecutionConnection.last_tested_at > utcnow() - _RECENT
    rows = db.session.execute(
        sa.select(ExecutionConnection.exchange_name, sa.func.min(offset), sa.func.max(offset))
        .where(ExecutionConnection.is_active, recent, sa.func.abs(offset) > CLOCK_LIMIT_MS)
        .group_by(ExecutionConnection.exchange_name)
        .order_by(ExecutionConnection.exchange_name)
    )
    for name, lowest, highest in rows:
        seconds = max(int(lowest or 0), int(highest or 0), key=abs) / 1000
        yield Finding(
            "portal.W109",
            f"The clock of the workers is {seconds:+.1f} s away from that of {name}.",
            "Run a time service (chrony, systemd-timesyncd) on every worker machine. When only this exchange "
            "differs, its clock is off; requests are signed with its time.",
        )


def check_keys(settings: Settings) -> Iterator[Finding]:
    """W110 keys that can withdraw are accepted, W111 keys die soon or are dead."""
    accepted = _names(ExecutionConnection.withdrawal_override.is_not(None))
    if accepted:
        yield Finding(
            "portal.W110",
            f"Keys that can withdraw are accepted by written exception: {accepted}.",
            "`portal refuse-withdrawals CONNECTION` ends an exception. Better: a key without that right.",
        )
    dying = _names(ExecutionConnection.key_expires_at < utcnow() + timedelta(days=max(EXPIRY_DAYS)))
    if dying:
        yield Finding(
            "portal.W111",
            f"API keys expire within {max(EXPIRY_DAYS)} days, or have expired: {dying}.",
            "Make new keys at the exchange, and enter them. An expired key cannot even close a position.",
        )


def _names(condition: sa.ColumnElement[bool]) -> str:
    rows = db.session.execute(
        sa.select(ExecutionConnection.id, ExecutionConnection.name)
        .where(ExecutionConnection.is_active, condition)
        .order_by(ExecutionConnection.id)
    ).all()
    shown = ", ".join(f"{name} ({number})" for number, name in rows[:5])
    return f"{shown} and {len(rows) - 5} more" if len(rows) > 5 else shown
