"""Orders that somebody opened by hand on markets that Portico never traded on that account: looked for at a
slow rhythm, where the exchange lists all markets at once. Asks only; what it finds is listed by `foreign`."""

import logging
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from flask import current_app
from redis import RedisError

from portal.crypto import DecryptionError
from portal.db import db, end_read, utcnow
from portal.exchanges import wide_lists
from portal.exchanges.errors import ExchangeError
from portal.exchanges.registry import is_paper
from portal.exchanges.venues_table import venue
from portal.models import ExecutionConnection
from portal.services import venues
from portal.services.reconciliation import foreign, running
from portal.services.traffic_lanes import Purpose
from portal.trading.orders import OrderReport
from portal.trading.types import MarketType

logger = logging.getLogger(__name__)

#: One look costs some venues as much as forty looks at one market.
EVERY = timedelta(hours=1)
_KEY = "portal:everywhere:{}"


def kinds_of(connection: ExecutionConnection) -> frozenset[MarketType]:
    """The kinds of markets of this account that are looked at as a whole. No network."""
    if is_paper(connection.exchange_name, connection.mode):
        return frozenset()  # nobody's hand reaches the ledger of a paper account
    entry = venue(connection.exchange_name)
    return frozenset(kind for kind in running.usual_kinds(connection) if wide_lists.requests_for(entry, kind))


def is_blind(connection: ExecutionConnection) -> bool:
    """Whether orders that hands opened on other markets than Portico's are never seen. No network."""
    return not is_paper(connection.exchange_name, connection.mode) and not kinds_of(connection)


def look_everywhere(connection_id: int, *, now: bool = False) -> list[str] | None:
    """List what rests on any market of one account and is not ours, once in `EVERY`, or `now`. Returns it in
    words; None when it was not looked at, which the next call makes up for. Spends only the part of the
    budget that orders do not need. Owns its transactions; may be repeated."""
    connection = db.session.get(ExecutionConnection, connection_id, populate_existing=True)
    kinds = kinds_of(connection) if connection and connection.can_execute_trades() else ()
    end_read()
    if connection is None or not kinds or not _take_turn(connection_id, now=now):
        return None
    try:
        return _look(connection, kinds)
    except (ExchangeError, DecryptionError) as error:
        logger.info("connection %s: its orders on all markets were not read: %s", connection_id, error)
        with suppress(RedisError):
            current_app.extensions["portal_redis"].delete(_KEY.format(connection_id))
        return None


def _look(connection: ExecutionConnection, kinds: Collection[MarketType]) -> list[str]:
    began_at, orders = utcnow(), list[OrderReport]()
    whole: set[MarketType] = set()
    with venues.exchange_for(connection, Purpose.PREVIEW) as exchange:
        for kind in sorted(kinds):
            listing = exchange.all_open_orders(kind)
            orders += listing.orders
            whole |= {kind} if listing.whole else set()
    return foreign.record_orders(connection, orders, whole, began_at)


def _take_turn(connection_id: int, *, now: bool) -> bool:
    """A mark in Redis is enough: without it the account is looked at once more, and without Redis later."""
    with suppress(RedisError):
        marks = current_app.extensions["portal_redis"]
        return bool(marks.set(_KEY.format(connection_id), b"1", ex=EVERY, nx=not now))
    return False
