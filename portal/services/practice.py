"""Accounts at the practice exchange that belongs to this installation. Reaches nothing else: the address is
the operator's, and no money is there."""

import urllib.error

from flask import current_app

from portal.config import Settings
from portal.db import db
from portal.errors import ValidationError
from portal.exchanges.catalog import OWN_EXCHANGES
from portal.exchanges.sandbox.client import SandboxAccount, SandboxControl, SandboxControlError

#: Somebody waits for the page.
_PATIENCE_SECONDS = 5.0


def is_practice(exchange_name: str | None) -> bool:
    """Whether this is the practice exchange, under one of its names."""
    return exchange_name in OWN_EXCHANGES


def open_account(exchange_name: str) -> SandboxAccount:
    """Open an account with 10,000 USDT on the spot and on the perpetuals side. Takes up to five seconds; not
    inside a transaction. Every call opens another one. Raises ValidationError when no practice exchange runs.
    """
    settings: Settings = current_app.extensions["portal_settings"]
    url = settings.exchange_urls.get(exchange_name)
    if url is None:
        reason = "no practice exchange runs here; an administrator can start one: portal sandbox"
        raise ValidationError({"exchange_name": reason})
    # What was read for this page is read again afterwards: no transaction is open over the network.
    db.session.rollback()
    try:
        return SandboxControl(url, timeout=_PATIENCE_SECONDS).create_account()
    except (SandboxControlError, urllib.error.URLError, OSError, ValueError) as error:
        reason = "the practice exchange did not open an account; nothing was stored. Try again in a minute"
        raise ValidationError({"exchange_name": reason}) from error
