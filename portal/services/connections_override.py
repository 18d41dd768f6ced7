"""The written exception for a key that can withdraw: administrators only, with a reason, audited."""

from portal.db import db, transaction, utcnow
from portal.errors import NotFoundError, PortalError, ValidationError
from portal.models import ExecutionConnection, User
from portal.services import audit
from portal.services.connections_policy import why_refused
from portal.services.connections_progress import ask_for_test
from portal.services.connections_status import stop

_SHORTEST, _LONGEST = 10, 500


def allow_withdrawals(connection_id: int, reason: str, *, actor: audit.Actor) -> ExecutionConnection:
    """Accept a key that can withdraw on this connection, until the key is replaced, and ask for a test.

    Commits, under a row lock; may be repeated, the last reason counts. Raises ValidationError without a real
    reason, NotFoundError, and PortalError for anybody but an administrator or the command line.
    """
    _check(actor)
    words = " ".join(reason.split())
    if not _SHORTEST <= len(words) <= _LONGEST:
        raise ValidationError(
            {"reason": f"must say why, in {_SHORTEST} to {_LONGEST} characters; others will ask"}
        )
    with transaction():
        row = _lock(connection_id)
        row.withdrawal_override = {
            "reason": words,
            "by": actor.email if isinstance(actor, User) else str(actor),
            "at": utcnow().isoformat(timespec="seconds"),
        }
        audit.record(
            actor, "portal.connection.withdrawals_allowed", "connection", row.id, name=row.name, reason=words
        )
        ask_for_test(row.id)
    return row


def refuse_withdrawals(connection_id: int, *, actor: audit.Actor) -> ExecutionConnection:
    """End the exception. A connection whose key is known to be able to withdraw is in error at once.

    Commits, under a row lock; may be repeated. Raises NotFoundError, and PortalError for anybody but an
    administrator or the command line.
    """
    _check(actor)
    with transaction():
        row = _lock(connection_id)
        if row.withdrawal_override is not None:
            row.withdrawal_override = None
            audit.record(actor, "portal.connection.withdrawals_refused", "connection", row.id, name=row.name)
        if (reason := why_refused(row)) is not None:
            stop(row, reason)
        ask_for_test(row.id)
    return row


def _check(actor: audit.Actor) -> None:
    if isinstance(actor, User) and not actor.is_admin:
        raise PortalError(
            "Only an administrator may decide about keys that can withdraw. Nothing was changed."
        )


def _lock(connection_id: int) -> ExecutionConnection:
    row = db.session.get(
        ExecutionConnection,
        connection_id,
        with_for_update={"of": ExecutionConnection, "key_share": True},
        populate_existing=True,
    )
    if row is None:
        raise NotFoundError(f"There is no connection {connection_id}; nothing was changed.")
    return row
