"""What follows from a test: active again, in error, or forgiven for now; the owner is told of each change
once. Joins the caller's transaction."""

import logging

from portal.models import ExecutionConnection
from portal.services import audit, notifications
from portal.trading.types import ConnectionStatus, NotificationType

logger = logging.getLogger(__name__)


def record_success(row: ExecutionConnection, *, first: bool = False) -> None:
    """The account works, for the `first` time it seems. A connection that is switched off stays off."""
    if _is_off(row):
        row.last_error = None
        return
    recovered = row.has_error()
    row.mark_as_active()
    if recovered:
        audit.record(audit.SYSTEM, "portal.connection.recovered", "connection", row.id)
        tell(row, f"{row.name} works again", "New signals reach it from now on.")
    elif first:
        audit.record(audit.SYSTEM, "portal.connection.proved", "connection", row.id)


def record_silence(row: ExecutionConnection, reason: str, patience: int) -> None:
    """The exchange failed in a way that may pass by itself: `patience` such failures in a row are
    forgiven."""
    failures = int(row.facts.get("failed_checks", 0)) + 1
    row.facts = {**row.facts, "failed_checks": failures}
    if failures <= patience:
        logger.warning("connection %s did not answer (%s of %s)", row.id, failures, patience)
        return
    stop(row, reason)


def stop(row: ExecutionConnection, reason: str) -> None:
    """The account cannot or must not be traded until something changes."""
    if _is_off(row):
        row.last_error = reason
        return
    already = row.has_error()
    row.mark_as_error(reason)
    if not already:
        audit.record(audit.SYSTEM, "portal.connection.failed", "connection", row.id, reason=reason)
        tell(row, f"{row.name} does not work", f"{reason} New signals pass it by until it works.")


def tell(row: ExecutionConnection, title: str, body: str) -> None:
    """Notify the owner of `row`."""
    notifications.notify(NotificationType.CONNECTION, title, body, connection=row)


def _is_off(row: ExecutionConnection) -> bool:
    return not row.is_active or row.status is ConnectionStatus.INACTIVE
