"""From a connection row to an open exchange. The only place where credentials are decrypted on their way to
an adapter. Workers only: the web process never opens an exchange."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from flask import Flask, current_app

from portal.config import Settings
from portal.crypto import DecryptionError
from portal.db import db, end_read
from portal.exchanges.base import Credentials, Exchange
from portal.exchanges.catalog import OWN_EXCHANGES
from portal.exchanges.errors import ExchangeError
from portal.exchanges.paper.settings import read_paper_settings
from portal.exchanges.pool import ExchangePool
from portal.exchanges.registry import ExchangeSpec, is_paper
from portal.models import DataConnection, ExecutionConnection
from portal.services import traffic_guard
from portal.services.paper_ledger import PaperTables
from portal.services.traffic_lanes import Purpose
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.fields import FieldError
from portal.trading.types import ConnectionMode, ConnectionStatus, ConnectionType, OrderType, Side

logger = logging.getLogger(__name__)

_SETTINGS = "portal_settings"
_POOL = "portal_exchange_pool"
_SHELVES = "portal_public_shelves"
_shelves_lock = threading.Lock()


def init_app(app: Flask, settings: Settings) -> None:
    """Give the app its pool of warm clients. Opens nothing."""
    app.extensions[_POOL] = ExchangePool()
    app.extensions[_SHELVES] = {}


def may_trade(connection: ExecutionConnection) -> Denial | None:
    """Why this connection must not reach its exchange at all, before anything is read. No network."""
    settings: Settings = current_app.extensions[_SETTINGS]
    practice = connection.exchange_name in OWN_EXCHANGES
    if is_paper(connection.exchange_name, connection.mode):
        return _paper_denial(connection)
    if connection.mode is ConnectionMode.LIVE and not practice and not settings.live_trading:
        return deny(DenialCode.LIVE_TRADING_DISABLED)
    if not connection.has_credentials():
        return deny(DenialCode.CREDENTIALS_MISSING)
    return None


def _paper_denial(connection: ExecutionConnection) -> Denial | None:
    """Paper accounts need no credentials, only settings that can be used."""
    if connection.type is not ConnectionType.CRYPTO:
        return deny(DenialCode.PAPER_MODE_UNAVAILABLE, type=connection.type.value)
    try:
        read_paper_settings(connection.settings or {})
    except FieldError as error:
        return deny(DenialCode.PAPER_MODE_UNAVAILABLE, settings=str(error))
    return None


def needs_credentials(connection: ExecutionConnection) -> bool:
    """Whether this connection can do nothing without a key: all but paper accounts."""
    return not is_paper(connection.exchange_name, connection.mode)


def price_source(connection: ExecutionConnection) -> str:
    """The exchange whose prices this connection's adapter reads: on paper the data connection's provider
    where there is one."""
    paper = is_paper(connection.exchange_name, connection.mode)
    data = connection.data_connection if paper else None
    return _source(connection.exchange_name, connection.mode, data.provider if data else None)


def _source(exchange_name: str, mode: ConnectionMode, provider: str | None) -> str:
    return provider if provider and is_paper(exchange_name, mode) else exchange_name


def spec_for(connection: ExecutionConnection) -> ExchangeSpec:
    """Everything an adapter needs. Raises DecryptionError when the credentials cannot be read."""
    settings: Settings = current_app.extensions[_SETTINGS]
    paper, source = is_paper(connection.exchange_name, connection.mode), price_source(connection)
    return ExchangeSpec(
        exchange_name=connection.exchange_name,
        mode=connection.mode,
        # What a paper account does not need is not even decrypted for it.
        credentials=Credentials({} if paper else connection.get_credentials()),
        settings=dict(connection.settings or {}),
        base_url=settings.exchange_urls.get(source),
        timeout_seconds=settings.exchange_timeout_seconds,
        market_name=source if paper else None,
        ledger=PaperTables(db.engine, connection.id) if paper else None,
    )


@contextmanager
def exchange_for(connection: ExecutionConnection, purpose: Purpose = Purpose.ROUTINE) -> Iterator[Exchange]:
    """A warm client of `connection`, for this thread alone until the block ends, within the budget that all
    processes share. What asks for exits or for orders in doubt says so by its `purpose`.

    Raises DecryptionError, and ExchangeError when the exchange is unknown. Must not be called inside a
    transaction."""
    spec, key = spec_for(connection), connection.id
    end_read()
    pool: ExchangePool = current_app.extensions[_POOL]
    with pool.use(key, spec) as exchange:
        yield traffic_guard.guard(exchange, spec, purpose, connection_id=key)


@contextmanager
def public_exchange(exchange_name: str, purpose: Purpose = Purpose.ROUTINE) -> Iterator[Exchange]:
    """A client without credentials, for prices. Same rules as `exchange_for`."""
    settings: Settings = current_app.extensions[_SETTINGS]
    spec = ExchangeSpec(
        exchange_name=exchange_name,
        # Prices only: there is no key with which anything could be ordered.
        mode=ConnectionMode.LIVE,
        credentials=Credentials({}),
        settings={},
        base_url=settings.exchange_urls.get(exchange_name),
        timeout_seconds=settings.exchange_timeout_seconds,
    )
    end_read()
    pool: ExchangePool = current_app.extensions[_POOL]
    with pool.use(_shelf_of(exchange_name), spec) as exchange:
        yield traffic_guard.guard(exchange, spec, purpose)


def warm() -> int:
    """Load the markets and the clock of every exchange that active connections use, so that the first order
    does not wait for them. Returns how many could be reached; those that could not are tried again by the
    first order. Network; may be repeated."""
    used = (ExecutionConnection.is_active, ExecutionConnection.status == ConnectionStatus.ACTIVE)
    rows = db.session.execute(
        sa.select(ExecutionConnection.exchange_name, ExecutionConnection.mode, DataConnection.provider)
        .join(ExecutionConnection.data_connection, isouter=True)
        .where(*used)
        .distinct()
    ).all()
    end_read()
    names = sorted({_source(exchange_name, mode, provider) for exchange_name, mode, provider in rows})
    return sum(_warm_up(name) for name in names)


def _warm_up(exchange_name: str) -> bool:
    try:
        with public_exchange(exchange_name) as exchange:
            # The first signed request would measure the clock; one price read does it now.
            exchange.tickers(list(exchange.instruments())[:1])
    except ExchangeError as error:
        logger.warning("%s could not be reached at start (%s); orders will try again", exchange_name, error)
        return False
    return True


def wants_price(exchange: Exchange, order_type: OrderType, side: Side) -> bool:
    """True when this venue takes such a market order only with the worst acceptable price (it is then sent
    as an immediate-or-cancel limit order for exactly the quantity)."""
    needs = exchange.capabilities
    return order_type is OrderType.MARKET and (
        needs.market_needs_price or (needs.market_buy_needs_price and side is Side.BUY)
    )


def unreadable(error: DecryptionError) -> Denial:
    """The denial for credentials that cannot be decrypted: never "no credentials"."""
    return deny(DenialCode.CREDENTIALS_UNREADABLE, reason=error.message)


def _shelf_of(exchange_name: str) -> int:
    """Clients without credentials have a shelf per exchange; no connection has a negative id."""
    shelves: dict[str, int] = current_app.extensions[_SHELVES]
    with _shelves_lock:
        return shelves.setdefault(exchange_name, -1 - len(shelves))
