"""Builds ccxt clients: one template per exchange and process, and light copies of it, one per account.

A client that ccxt builds takes 4 ms and 0.26 MB, nearly all of it tables that no account changes (endpoints,
error maps, fees). A copy shares those and owns its options, credentials and wire:
tests/exchanges/test_ccxt_client.py.
"""

import copy
import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ccxt import BadResponse

from portal.exchanges.base import Credentials
from portal.exchanges.ccxt_http import Wire
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.venues import Venue

#: Our names of credentials that ccxt knows; anything else in a connection's credentials stays out of the
#: client.
_CREDENTIALS = (
    "apiKey", "secret", "uid", "accountId", "login", "password", "twofa", "privateKey", "walletAddress",
    "token",
)  # fmt: skip

_OPTIONS: Mapping[str, object] = {
    "builderFee": False,  # some charge a fee for whoever wrote the library, and sign the approval themselves
    "adjustForTimeDifference": False,  # we measure the offset once per venue, not once per account
    "warnOnFetchOpenOrdersWithoutSymbol": False,
}

#: Entries of ccxt's `urls` that are for people; every other one may be called.
_PAGES = frozenset({"logo", "www", "doc", "fees", "referral", "api_management"})

# ccxt writes headers and bodies, keys and signatures included, to its logger at DEBUG.
_MUTED = logging.Logger("ccxt-muted")
_MUTED.disabled = True


def build_template(venue: Venue, base_url: str | None) -> Any:
    """A ccxt client without credentials, for public data and to be copied. Raises ExchangeError
    UNSUPPORTED.
    """
    template = _exchange_class(venue.ccxt_id)(
        {
            # ccxt's throttle counts per client and sees neither the other accounts nor the other processes
            # behind the same address, so it would delay single orders and protect nobody. The venue's 429 is
            # what is obeyed.
            "enableRateLimit": False,
            "number": str,
            "verbose": False,
            "maxRetriesOnFailure": 0,
            "enableLastJsonResponse": False,
            "options": copy.deepcopy({**_OPTIONS, **venue.options}),
        }
    )
    template.session.close()
    template.number = str
    template.logger = _MUTED
    template.log = _say_nothing  # with `verbose`, the same goes to the terminal
    _give_wire(template)
    template.options["maxRetriesOnFailure"] = 0
    if hasattr(template, "handle_builder_fee_approval"):
        template.handle_builder_fee_approval = _do_not_sign
    if venue.ccxt_id == "hyperliquid":
        template.initialize_client = _do_not_sign  # the same, a referrer, and a read that orders do not need
    if base_url is not None:
        template.urls = override_urls(template.urls, base_url)
    return template


def copy_client(
    template: Any, credentials: Credentials, options: Mapping[str, object], timeout_seconds: float
) -> Any:
    """A client for one account that shares the template's read-only tables and markets."""
    client = object.__new__(type(template))
    client.__dict__.update(template.__dict__)
    client.options = copy.deepcopy(template.options)
    client.options.update(options)
    client.headers = dict(template.headers)
    client.tokenBucket = dict(template.tokenBucket)
    client.accounts = None
    client.accountsById = None
    _give_wire(client)
    client.timeout = int(timeout_seconds * 1000)
    client.last_http_response = client.last_response_headers = None
    client.last_request_headers = client.last_request_body = client.last_request_url = None
    for name in _CREDENTIALS:
        if value := credentials.get(name):
            setattr(client, name, value)
    return client


def override_urls(urls: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """`urls` with scheme and host of every API address replaced by those of `base_url`; paths stay."""
    base = urlsplit(base_url)
    return {
        name: value if name in _PAGES else _override(value, base.scheme, base.netloc, base.path.rstrip("/"))
        for name, value in urls.items()
    }


def _override(value: Any, scheme: str, netloc: str, prefix: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _override(inner, scheme, netloc, prefix) for key, inner in value.items()}
    if not isinstance(value, str) or "://" not in value:
        return value
    # The host may be a template such as api.{hostname}, with braces that urlsplit takes for part of it.
    parts = urlsplit(value)
    return urlunsplit((scheme, netloc, prefix + parts.path, parts.query, ""))


def _exchange_class(ccxt_id: str) -> Any:
    try:
        module = import_module(f"ccxt.{ccxt_id}")
        return getattr(module, ccxt_id)
    except (ImportError, AttributeError) as error:
        raise ExchangeError(
            ErrorCode.UNSUPPORTED,
            f"The installed ccxt does not know the exchange {ccxt_id!r}. Nothing was sent. Choose another "
            "exchange for "
            "this connection, or install the ccxt version that still had it.",
            outcome=Outcome.NOT_PLACED,
            permanent=True,
        ) from error


def _give_wire(client: Any) -> None:
    """ccxt takes an empty or foreign page under status 200 for an empty list, which would read as "no such
    order". With this, a success that is not JSON is an error.
    """
    wire = client.session = Wire()
    decode, name = client.on_json_response, client.id

    def parse_json(body: str) -> Any:
        failed = wire.response is not None and (
            wire.response.status_code >= 400 or wire.response.status_code == 204
        )
        try:
            return decode(body)
        except ValueError as error:
            if failed:
                return None
            raise BadResponse(f"{name} answered with something that is not JSON") from error

    client.parse_json = parse_json


def _do_not_sign(*_arguments: object) -> bool:
    """Stands for a step of ccxt's that would sign something nobody asked for in the account's name."""
    return True


def _say_nothing(*_words: object) -> None:
    """Stands for ccxt's own printing."""
