"""Opens an exchange by name. Adapters are named as dotted paths and imported on first use, so that whoever
only needs the contract never pays for a library of 94 MB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from portal.exchanges.account_options import read_account_options
from portal.exchanges.base import Credentials, Exchange
from portal.exchanges.catalog import OWN_EXCHANGES, known_exchanges
from portal.exchanges.errors import ErrorCode, ExchangeError, Outcome
from portal.exchanges.paper.adapter import PaperExchange
from portal.exchanges.paper.ledger import PaperLedger
from portal.exchanges.paper.prices import SharedPrices
from portal.exchanges.paper.settings import read_paper_settings
from portal.exchanges.venues_table import venue
from portal.trading.fields import FieldError
from portal.trading.types import ConnectionMode

#: Adapter of everything that ccxt speaks; other adapters are added by exchange name.
_CCXT = "portal.exchanges.ccxt_adapter:CcxtExchange"
_ADAPTERS: Mapping[str, str] = {}
#: Market data of everything that ccxt speaks: all that a paper account is given of the real venue.
_CCXT_MARKET = "portal.exchanges.ccxt_public:CcxtMarket"


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
    #: Paper accounts only: the exchange whose prices they see (and whose URL `base_url` then is), when it is
    #: not `exchange_name`, and where the account is kept.
    market_name: str | None = None
    ledger: PaperLedger | None = field(default=None, repr=False, compare=False)

    @property
    def reads_from(self) -> str:
        """The exchange whose public data this adapter reads."""
        return self.market_name or self.exchange_name


def is_paper(exchange_name: str, mode: ConnectionMode) -> bool:
    """Whether such a connection trades on paper. Our own practice exchanges are real enough to be asked."""
    return mode is ConnectionMode.PAPER and exchange_name not in OWN_EXCHANGES


def open_exchange(spec: ExchangeSpec) -> Exchange:
    """An adapter object for `spec`. No network. Raises ExchangeError UNSUPPORTED, permanent, with what to
    do.
    """
    name = spec.exchange_name
    _check_known(name)
    _check_address(spec.reads_from, spec.base_url)
    if is_paper(name, spec.mode):
        return _open_paper(spec)
    adapter = _load(_ADAPTERS.get(name, _CCXT))
    opened: Exchange = adapter(
        name,
        spec.credentials,
        base_url=spec.base_url,
        options=_options(spec),
        timeout_seconds=spec.timeout_seconds,
    )
    return opened


def _open_paper(spec: ExchangeSpec) -> Exchange:
    """A paper account. No credentials pass through here, and the adapter is given nothing that could send an
    order."""
    if spec.ledger is None:
        raise _refusal(
            f"A paper account on {spec.exchange_name} was opened without a ledger. Nothing was sent."
        )
    try:
        settings = read_paper_settings(spec.settings)
    except FieldError as error:
        raise _refusal(
            f"The paper settings of this connection cannot be used: {error}. Nothing was sent."
        ) from None
    _check_known(spec.reads_from)
    market = _load(_CCXT_MARKET)(
        spec.reads_from, base_url=spec.base_url, timeout_seconds=spec.timeout_seconds
    )
    prices = SharedPrices(market, (spec.reads_from, spec.base_url))
    return PaperExchange(market, spec.ledger, settings, prices)


def _check_known(name: str) -> None:
    if name not in known_exchanges():
        raise _refusal(
            f"The exchange {name!r} is not known to this installation; it may have left ccxt with an "
            "upgrade. Nothing was "
            "sent. Choose another exchange for this connection, or install the ccxt version that still had "
            "it."
        )


def _check_address(name: str, base_url: str | None) -> None:
    if venue(name).needs_base_url and base_url is None:
        raise _refusal(
            f"The exchange {name!r} speaks the dialect of a real one and is only opened at an address of "
            "yours. Nothing "
            f"was sent. Start the sandbox and set PORTAL_EXCHANGE_URLS to {{{name!r}: its address}}."
        )


def one_at_a_time(exchange_name: str) -> bool:
    """Whether requests of one key must reach this venue in order, so that only one thread may use a
    connection.
    """
    return venue(exchange_name).serial


def _options(spec: ExchangeSpec) -> dict[str, object]:
    try:
        return read_account_options(spec.exchange_name, spec.settings)
    except FieldError as error:
        raise _refusal(
            f"The settings of this connection cannot be used: {error}. Nothing was sent. Correct them."
        ) from None


@cache
def _load(dotted: str) -> Any:
    module, name = dotted.split(":")
    return getattr(import_module(module), name)


def _refusal(sentence: str) -> ExchangeError:
    return ExchangeError(ErrorCode.UNSUPPORTED, sentence, outcome=Outcome.NOT_PLACED, permanent=True)
