"""How many requests each venue allows, and what each kind of call costs there. Documented limits, rounded
down; a venue that is not listed gets a modest default. A table only: counting is done in
`portal.services.traffic`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit

from portal.exchanges.catalog import OWN_EXCHANGES
from portal.exchanges.dialects import BYBIT, GATE, KUCOIN, OKX


class Call(StrEnum):
    """The methods of an exchange that use the network."""

    INSTRUMENTS = "instruments"
    BALANCES = "balances"
    TICKERS = "tickers"
    SECOND_LOOK = "second_look"
    PLACE = "place_order"
    CANCEL = "cancel_order"
    FIND = "find_order"
    OPEN = "open_orders"
    OPEN_ALL = "all_open_orders"
    FILLS = "fills"
    POSITIONS = "positions"
    FACTS = "account_facts"


#: Requests that one call sends at most, all its routes together.
REQUESTS: Mapping[Call, int] = MappingProxyType(
    dict.fromkeys(Call, 1)
    | {Call.SECOND_LOOK: 6, Call.FIND: 4, Call.OPEN: 2, Call.OPEN_ALL: 4, Call.FACTS: 4, Call.CANCEL: 2}
)


class Scope(StrEnum):
    """Whom a venue means when it says "too many requests"."""

    ADDRESS = "address"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` in any `seconds`. A limit of 0 is none."""

    limit: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What one venue allows to one of our addresses, counted in `weights`, and to one API key, counted in
    requests."""

    address: Window
    account: Window
    weights: Mapping[Call, int] = field(default_factory=lambda: REQUESTS)
    #: Whom a refusal for too many requests concerns…
    limited: Scope = Scope.ADDRESS
    #: …unless it has one of these codes: then the key alone.
    account_codes: frozenset[str] = frozenset()

    def scope_of(self, venue_code: str | None) -> Scope:
        """Whom a refusal for too many requests with this code concerns."""
        return Scope.ACCOUNT if venue_code in self.account_codes else self.limited


def _weights(**weights: int) -> Mapping[Call, int]:
    return MappingProxyType({**REQUESTS, **{Call(name): weight for name, weight in weights.items()}})


_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})
_ORDERS_ONLY = frozenset({"-1015"})
_BINANCE = Budget(
    Window(5000, 60), Window(90, 10),
    _weights(
        balances=20, tickers=4, second_look=105, find_order=50, open_orders=12, all_open_orders=80, fills=20,
        account_facts=50,
    ),
    account_codes=_ORDERS_ONLY,
)  # fmt: skip
_BINANCE_FUTURES = Budget(
    Window(2000, 60), Window(250, 10),
    _weights(
        balances=5, tickers=5, second_look=90, find_order=12, open_orders=2, all_open_orders=80, fills=5,
        positions=5, account_facts=20,
    ),
    account_codes=_ORDERS_ONLY,
)  # fmt: skip
#: Trades that the venue closed by itself are lists of their own.
_BYBIT = Budget(Window(500, 5), Window(40, 5), _weights(fills=3), account_codes=frozenset({"10006", "10018"}))
_OKX = Budget(Window(500, 5), Window(40, 2), limited=Scope.ACCOUNT)
_KUCOIN = Budget(
    Window(1500, 30), Window(600, 30), _weights(balances=5, find_order=12, open_orders=4, fills=7)
)
_GATE = Budget(Window(180, 10), Window(90, 10), limited=Scope.ACCOUNT)
#: Practice exchanges limit nobody unless a fault is scripted; so high that benches measure the rest.
_PRACTICE = Budget(Window(1_000_000, 1), Window(100_000, 1), account_codes=_ORDERS_ONLY)
#: Of the venues in ccxt the slower half allow about this much.
_MODEST = Budget(Window(100, 10), Window(50, 10))

BUDGETS: dict[str, Budget] = {
    "sandbox": _PRACTICE,
    "sandboxusdm": _PRACTICE,
    "binance": _BINANCE,
    "binanceus": Budget(Window(1000, 60), Window(90, 10), _BINANCE.weights, account_codes=_ORDERS_ONLY),
    "binanceusdm": _BINANCE_FUTURES,
    "binancecoinm": _BINANCE_FUTURES,
    **dict.fromkeys(BYBIT, _BYBIT),
    **dict.fromkeys(OKX, _OKX),
    "kraken": Budget(Window(300, 60), Window(20, 60), limited=Scope.ACCOUNT),
    "krakenfutures": Budget(Window(300, 10), Window(100, 10), limited=Scope.ACCOUNT),
    **dict.fromkeys(KUCOIN, _KUCOIN),
    "coinbase": Budget(Window(90, 10), Window(250, 10), limited=Scope.ACCOUNT),
    **dict.fromkeys(GATE, _GATE),
    "bitget": Budget(Window(4000, 60), Window(90, 10)),
    "mexc": Budget(Window(400, 10), Window(90, 10)),
    "htx": Budget(Window(700, 7), Window(90, 10), limited=Scope.ACCOUNT),
    "hyperliquid": Budget(
        Window(1000, 60),
        Window(0, 1),
        _weights(balances=2, tickers=2, find_order=60, open_orders=20, all_open_orders=20, fills=20),
    ),
}


def budget_of(exchange_name: str, base_url: str | None = None) -> Budget:
    """The budget of a venue; a modest one when nothing is known about it. At an address of this machine
    that stands in for the venue (`PORTAL_EXCHANGE_URLS`: a stand-in or a gateway that counts itself)
    nothing is saved up."""
    budget = BUDGETS.get(exchange_name, _MODEST)
    ours = exchange_name in OWN_EXCHANGES
    if ours or base_url is None or urlsplit(base_url).hostname not in _THIS_MACHINE:
        return budget
    return replace(budget, address=_PRACTICE.address, account=_PRACTICE.account)
