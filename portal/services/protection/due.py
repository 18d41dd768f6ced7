"""Saying that a position's guards must be looked at. Joins the caller's transaction; the row is locked by the
caller."""

from portal.db import request_job, utcnow
from portal.models import ExecutionPosition
from portal.models.position import HELD
from portal.services.notifications import notify
from portal.trading.types import NotificationType, Protection


def mark(position: ExecutionPosition) -> None:
    """Something changed that the guards must follow. Does not commit; may be repeated.

    The first guards of a position wait behind the entries of other accounts, so that a fan-out does not wait
    for them; everything later is as urgent as an exit."""
    if position.status in HELD:
        position.protection_due_since = position.protection_due_since or utcnow()
        request_job("protect_position" if position.guard_version else "protect_new_position", position.id)
    elif position.guard_version:
        request_job("protect_position", position.id)


def start(position: ExecutionPosition) -> None:
    """A position was opened; its row has an id. Does not commit."""
    if position.sl_price or position.tp_prices or position.trails:
        mark(position)
        position.protection_note = "Its stop and targets are being placed at the exchange"
    else:
        position.protection_checked_at = utcnow()
        position.protection_note = NO_STOP


def end(position: ExecutionPosition) -> None:
    """The position is closed: what still rests at the venue must go. Does not commit."""
    position.protection_due_since = position.exit_reached_at = position.next_guard_at = None
    mark(position)


def settle(position: ExecutionPosition, protection: Protection, note: str) -> None:
    """Proved, or found that there is nothing to place. Whoever was woken is told the end. Does not commit."""
    if position.unprotected_told_at is not None:
        now = "protected at the exchange again" if protection is Protection.NATIVE else "watched by Portico"
        notify(
            NotificationType.UNPROTECTED, f"{position.currency_pair} is {now}", f"{note}.", position=position
        )
    position.protection, position.protection_note = protection, note
    position.protection_checked_at = utcnow()
    position.protection_due_since = position.unprotected_told_at = position.next_guard_at = None
    position.guard_failures = 0


NO_STOP = "Neither the signal nor the preset names a stop; nothing limits the loss"
