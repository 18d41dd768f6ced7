"""Opens an exchange by name. Adapters are named as dotted paths and imported on first use, so that whoever
only needs the contract never pays for a library of 94 MB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from portal.exchanges.base import Credentials, Exchange
from portal.exchanges.catalog import OWN_EXCHANGES, known_exchanges
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.venues_table import venue
from portal.trading.types import ConnectionMode

#: Adapter of everything that ccxt speaks; other adapters are added by exchange name.
_CCXT = "portal.exchanges.ccxt_adapter:CcxtExchange"
_ADAPTERS: Mapping[str, str] = {}
_USER_OPTIONS = frozenset(
    {"defaultType", "defaultSubType", "defaultSettle", "portfolioMargin", "unifiedAccount", "vaultAddress"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSpec:
    """Everything that decides which account an adapter object speaks for, and how."""

    exchange_name: str
    mode: ConnectionMode
    credentials: Credentials
    #: The connection's own settings. No URLs, no switches for TLS: those are the operator's.
    settings: Mapping[str, object] = field(default_factory=dict)
    #: Scheme and host that replace those of every API URL of this exchange (`PORTAL_EXCHANGE_URLS`).
    base_url: str | None = None
    timeout_seconds: float = 10.0


def open_exchange(spec: ExchangeSpec) -> Exchange:
    """An adapter object for `spec`. No network. Raises ExchangeError UNSUPPORTED, permanent, with what to
    do.
    """
    name = spec.exchange_name
    if name not in known_exchanges():
        raise _refusal(
            f"The exchange {name!r} is not known to this installation; it may have left ccxt with an "
            "upgrade. Nothing was "
            "sent. Choose another exchange for this connection, or install the ccxt version that still had "
            "it."
        )
    if venue(name).needs_base_url and spec.base_url is None:
        raise _refusal(
            f"The exchange {name!r} speaks the dialect of a real one and is only opened at an address of "
            "yours. Nothing "
            f"was sent. Start the sandbox and set PORTAL_EXCHANGE_URLS to {{{name!r}: its address}}."
        )
    if spec.mode is ConnectionMode.PAPER and name not in OWN_EXCHANGES:
        raise _refusal(
            f"A connection to {name} in paper mode cannot trade here. Nothing was sent. Use the sandbox "
            "exchange to practise, "
            "or set the connection to live."
        )
    adapter = _load(_ADAPTERS.get(name, _CCXT))
    opened: Exchange = adapter(
        name,
        spec.credentials,
        base_url=spec.base_url,
        options=_options(spec.settings),
        timeout_seconds=spec.timeout_seconds,
    )
    return opened


def one_at_a_time(exchange_name: str) -> bool:
    """Whether requests of one key must reach this venue in order, so that only one thread may use a
    connection.
    """
    return venue(exchange_name).serial


def _options(settings: Mapping[str, object]) -> dict[str, object]:
    """What of a connection's settings may reach the library: choices of account and wallet, nothing that
    moves requests elsewhere or loosens a check.
    """
    return {
        name: value
        for name, value in settings.items()
        if name in _USER_OPTIONS and isinstance(value, (str, bool))
    }


@cache
def _load(dotted: str) -> Any:
    module, name = dotted.split(":")
    return getattr(import_module(module), name)


def _refusal(sentence: str) -> ExchangeError:
    return ExchangeError(ErrorCode.UNSUPPORTED, sentence, outcome=Outcome.NOT_PLACED, permanent=True)
