"""Scripted faults: which requests a rule hits. Carrying a fault out is in `fault_delivery`."""

import hashlib
import itertools
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from portal.exchanges.sandbox.errors import bad_control

#: Before the order is accepted.
BEFORE = frozenset(
    {
        "delay",
        "close_before_accept",
        "http_before",
        "rate_limit",
        "maintenance",
        "clock_error",
    }
)
#: Changes what acceptance does.
ACCEPT = frozenset({"invisible", "cancelled_by_exchange", "partial_fill"})
#: After the order is accepted, instead of the plain answer.
AFTER = frozenset(
    {
        "accept_no_answer",
        "http_after",
        "empty_200",
        "garbage_200",
        "truncated_json",
        "json_without_id",
        "slow_body",
    }
)
BODIES = ("binance", "html", "empty", "text")
KINDS = BEFORE | ACCEPT | AFTER
ENDPOINTS = frozenset(
    {
        "*",
        "order",
        "cancel",
        "query",
        "openOrders",
        "allOrders",
        "myTrades",
        "account",
        "positions",
        "settings",
        "ticker",
        "depth",
        "klines",
        "exchangeInfo",
        "time",
        "sapi",
    }
)


@dataclass(slots=True)
class Fault:
    """One rule. It counts the requests that match endpoint, account and symbol, and fires on some of them."""

    kind: str
    endpoint: str = "order"
    account: str | None = None
    symbol: str | None = None
    #: Fire only on these matching requests, counted from 1.
    nth: tuple[int, ...] = ()
    #: Fire at most so many times.
    count: int | None = None
    #: Fire with this chance, drawn from the exchange's seed; the same requests give the same draws.
    probability: float = 1.0
    #: Count matching requests of each account for itself.
    per_account: bool = False
    status: int = 500
    #: What an error body looks like: binance, html, empty, text.
    body: str = "binance"
    seconds: float = 0.0
    #: Part of the quantity that is filled, for partial_fill and cancelled_by_exchange.
    fraction: str = "0.5"
    retry_after: int = 1
    fault_id: int = 0
    fired: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def check(self) -> None:
        """Raises VenueError when the rule makes no sense."""
        if self.kind not in KINDS:
            raise bad_control(f"There is no fault {self.kind!r}. Known: {', '.join(sorted(KINDS))}.")
        if self.endpoint not in ENDPOINTS:
            known = ", ".join(sorted(ENDPOINTS))
            raise bad_control(f"There is no endpoint {self.endpoint!r}. Known: {known}.")
        if not 0 <= self.probability <= 1:
            raise bad_control("A probability lies between 0 and 1.")
        if not 0 <= Decimal(self.fraction) <= 1:
            raise bad_control("A fraction lies between 0 and 1.")
        if not 400 <= self.status <= 599 or self.body not in BODIES:
            raise bad_control(f"The status lies between 400 and 599, the body is one of {', '.join(BODIES)}.")
        if not 0 <= self.seconds <= 3600:
            raise bad_control("The seconds lie between 0 and 3600.")

    def fires(self, seed: int, account: str) -> bool:
        """Counts one matching request and says whether the fault hits it."""
        counter = account if self.per_account else ""
        self.seen[counter] += 1
        turn = self.seen[counter]
        if self.count is not None and self.fired >= self.count:
            return False
        if self.nth and turn not in self.nth:
            return False
        if self.probability < 1 and _draw(f"{seed}:{self.fault_id}:{counter}:{turn}") >= self.probability:
            return False
        self.fired += 1
        return True


def _draw(text: str) -> float:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


class FaultBook:
    """The active rules, in the order in which they were added."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._ids = itertools.count(1)
        self.rules: dict[int, Fault] = {}

    def add(self, fault: Fault) -> Fault:
        fault.check()
        fault.fault_id = next(self._ids)
        self.rules[fault.fault_id] = fault
        return fault

    def remove(self, fault_id: int) -> None:
        if self.rules.pop(fault_id, None) is None:
            raise bad_control(f"There is no fault with id {fault_id}.")

    def hit(self, endpoint: str, account: str, symbol: str | None) -> list[Fault]:
        """The rules that hit this request; each matching rule counts it."""
        return [
            rule
            for rule in self.rules.values()
            if rule.endpoint in ("*", endpoint)
            and (rule.account is None or rule.account == account)
            and (rule.symbol is None or rule.symbol == symbol)
            and rule.fires(self._seed, account)
        ]
