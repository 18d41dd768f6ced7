"""Which errors of the database pass by themselves, or once an operator has helped. Asks nothing."""

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

#: States of PostgreSQL after which nothing is stored: timed out, lock not available, shutting down, too many
#: connections, disk or memory full, read-only (a standby), deadlock, lost against a concurrent change.
_PASSING_STATES = (
    "57014", "55P03", "57P01", "57P02", "57P03", "53300", "25P03",
    "53100", "53200", "25006", "40P01", "40001",
)  # fmt: skip


def passes(error: Exception) -> bool:
    """Whether the database is away or too slow, rather than asked for something wrong."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError) or error.connection_invalidated
    return state in _PASSING_STATES or state.startswith("08")
