"""Checks of what is stored: credentials, connections, people, switches. Reads only; never prints a secret."""

from collections.abc import Iterator
from typing import cast

import sqlalchemy as sa

from portal import crypto
from portal.config import Settings
from portal.crypto import DecryptionError
from portal.db import db
from portal.exchanges.catalog import OWN_EXCHANGES, known_exchanges
from portal.models import ADMIN, DataConnection, ExecutionConnection, Role, User
from portal.models.secret import SecretMixin
from portal.services import trading_state
from portal.services.health_checks_finding import Finding
from portal.trading.types import ConnectionMode, ConnectionStatus

#: Rows that are decrypted to see whether they can be: the newest, and enough to notice a wrong key.
_SAMPLE = 200


def check_credentials(settings: Settings) -> Iterator[Finding]:
    """E007 credentials that no configured key opens, W103 some are not under the first key."""
    unreadable = 0
    stale = 0
    models: tuple[type[ExecutionConnection] | type[DataConnection], ...] = (
        ExecutionConnection,
        DataConnection,
    )
    for model in models:
        rows = sa.select(model).where(model.credentials.is_not(None)).order_by(model.id.desc()).limit(_SAMPLE)
        for row in cast("list[SecretMixin]", db.session.execute(rows).scalars().all()):
            try:
                row.get_credentials()
            except DecryptionError:
                unreadable += 1
            else:
                stale += crypto.keyring().needs_rotation(row.credentials or "")
    if unreadable:
        yield Finding(
            "portal.E007",
            f"PORTAL_CREDENTIAL_KEYS does not open the credentials of {unreadable} connections.",
            "Add the key they were encrypted with, or enter their credentials again.",
        )
    if stale:
        yield Finding(
            "portal.W103",
            f"{stale} of the newest connections are not encrypted with the first of PORTAL_CREDENTIAL_KEYS.",
            "Run `portal rotate-keys` before you remove the old key.",
        )


def check_connections(settings: Settings) -> Iterator[Finding]:
    """E008 exchanges that are gone, W108 practice exchange without address, W104 live without permission,
    W105 connections in error."""
    names = set(db.session.execute(sa.select(ExecutionConnection.exchange_name).distinct()).scalars())
    for name in sorted(names - known_exchanges()):
        yield Finding(
            "portal.E008",
            f"Connections use the exchange {name!r}, which the installed ccxt does not know.",
            "It may have been renamed or removed by an upgrade: pin the older ccxt, or make new connections.",
        )
    for name in sorted((names & OWN_EXCHANGES) - set(settings.exchange_urls)):
        yield Finding(
            "portal.W108",
            f"Connections use the practice exchange {name!r}; PORTAL_EXCHANGE_URLS has no address for it.",
            f"`portal up` sets it by itself; elsewhere, run `portal sandbox` and set PORTAL_EXCHANGE_URLS to "
            f'{{"{name}": "http://127.0.0.1:9000"}}.',
        )
    live = _count(ExecutionConnection.mode == ConnectionMode.LIVE, ExecutionConnection.is_active.is_(True))
    if live and not settings.live_trading:
        yield Finding(
            "portal.W104",
            f"{live} live connections are switched on, and PORTAL_LIVE_TRADING is not true: they are denied.",
            "Set PORTAL_LIVE_TRADING=true on every process when real money is meant.",
        )
    failed = _count(ExecutionConnection.status == ConnectionStatus.ERROR)
    if failed:
        yield Finding(
            "portal.W105",
            f"{failed} connections are in error and take no signals.",
            "Each says why in the admin panel; they recover by themselves when a check succeeds.",
        )


def check_people(settings: Settings) -> Iterator[Finding]:
    """W106 nobody can administer."""
    admins = sa.select(User.id).where(User.active, User.roles.any(Role.name == ADMIN)).limit(1)
    if db.session.execute(admins).first() is None:
        yield Finding(
            "portal.W106",
            "There is no active administrator.",
            "Run `portal create-user EMAIL --role admin`.",
        )


def check_switches(settings: Settings) -> Iterator[Finding]:
    """W107 trading is stopped somewhere."""
    for where, state in trading_state.restrictions().items():
        yield Finding(
            "portal.W107", f"Trading is {state} for {where}.", f"`portal resume --scope {where}` ends it."
        )


def _count(*conditions: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(ExecutionConnection).where(*conditions)
    return db.session.execute(query).scalar_one()
