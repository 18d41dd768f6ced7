"""A live key is tested before its first order, so that one that can withdraw, or that does not work, never
trades. Accounts on paper and on the practice exchanges trade at once: there is nothing to take from them."""

from portal.db import db, end_read
from portal.exchanges.catalog import OWN_EXCHANGES
from portal.exchanges.errors import ErrorCode, HeldBackError
from portal.models import ExecutionConnection
from portal.services.connections_health import check_connection
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.types import ConnectionMode

_SOON = 5


def denial(connection: ExecutionConnection) -> Denial | None:
    """Test `connection` now if its key never was, and say why it must not trade. None: it may.

    Network and transactions of its own on that first occasion; may be repeated. Raises HeldBackError when the
    exchange must not be asked now."""
    if not is_due(connection):
        return None
    key = connection.id
    end_read()
    check_connection(key)
    row = db.session.get(ExecutionConnection, key, populate_existing=True)
    if row is None or not (row.has_error() or row.can_execute_trades()):
        return deny(DenialCode.CONNECTION_INACTIVE)
    if row.has_error():
        return deny(DenialCode.CONNECTION_IN_ERROR, reason=row.last_error or "unknown")
    if not was_asked(row):
        message = "The key of this connection was not tested yet, and the exchange does not answer now."
        raise HeldBackError(ErrorCode.UNAVAILABLE, message, retry_after=_SOON)
    return None


def is_due(connection: ExecutionConnection) -> bool:
    """Whether its next entry waits for that test. No network."""
    return _is_real(connection) and not was_asked(connection)


def was_asked(connection: ExecutionConnection) -> bool:
    """Whether the exchange has answered a test of the key that is stored now, whatever it said of it."""
    return "key_unknown" in connection.facts


def _is_real(connection: ExecutionConnection) -> bool:
    return connection.mode is ConnectionMode.LIVE and connection.exchange_name not in OWN_EXCHANGES
