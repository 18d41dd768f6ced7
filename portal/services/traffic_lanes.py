"""Whom a request counts against: our address at a venue, and one account there. Names and numbers only."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from portal.exchanges.budgets import REQUESTS, Budget, Call, Scope, Window, budget_of

PREFIX = "portal:traffic"
#: The sorted set of every pause and breaker, by the time at which it is forgotten.
HELD = f"{PREFIX}:held"

#: Part of each budget, in percent, for everything but exits and questions about orders in doubt.
ROUTINE_PERCENT = 80
#: What previews may spend: whatever people look at, half of what orders need stays free for them.
PREVIEW_PERCENT = 40


class Purpose(StrEnum):
    """Why a venue is asked. `VITAL` is for exits and for orders that may exist: it may spend the whole
    budget, and goes first when a venue that was away is tried again. An `ENTRY` pays for its order before it
    begins. A `PREVIEW` comes last, and can send nothing."""

    PREVIEW = "preview"
    ROUTINE = "routine"
    ENTRY = "entry"
    VITAL = "vital"


@dataclass(frozen=True, slots=True)
class Lane:
    """One thing that requests are counted against, and the names of its three keys in Redis."""

    scope: Scope
    allowed: Window
    costs: Mapping[Call, int]
    #: Failures in a row that open its breaker.
    patience: int
    window: str
    pause: str
    breaker: str

    def limit_for(self, purpose: Purpose) -> int:
        """What such a request may spend of the window; 0 for no limit."""
        limit = self.allowed.limit
        if purpose is Purpose.VITAL:
            return limit
        percent = PREVIEW_PERCENT if purpose is Purpose.PREVIEW else ROUTINE_PERCENT
        return max(limit * percent // 100, min(limit, 1))


@dataclass(frozen=True, slots=True)
class Route:
    """The way of one client to its venue: the lane of the address first, then that of the account."""

    exchange_name: str
    budget: Budget
    lanes: tuple[Lane, ...]

    def lane_of(self, scope: Scope) -> Lane:
        """The lane that is meant; the address's for clients without an account."""
        return self.lanes[-1] if scope is Scope.ACCOUNT else self.lanes[0]


def route(
    exchange_name: str,
    egress: str,
    *,
    connection_id: int | None = None,
    api_key: str = "",
    base_url: str | None = None,
) -> Route:
    """The route of one connection; without one, of a client that reads public data."""
    budget = budget_of(exchange_name, base_url)
    venue = f"venue:{exchange_name}@{egress}"
    lanes = [_lane(Scope.ADDRESS, budget.address, budget.weights, 8, venue, venue)]
    if connection_id is not None:
        connection = f"connection:{connection_id}"
        account = f"account:{exchange_name}:{_fingerprint(api_key)}" if api_key else connection
        lanes.append(_lane(Scope.ACCOUNT, budget.account, REQUESTS, 5, account, connection))
    return Route(exchange_name, budget, tuple(lanes))


def _lane(
    scope: Scope, allowed: Window, costs: Mapping[Call, int], patience: int, counted: str, watched: str
) -> Lane:
    return Lane(
        scope, allowed, costs, patience,
        window=f"{PREFIX}:window:{counted}",
        pause=f"{PREFIX}:pause:{counted}",
        breaker=f"{PREFIX}:breaker:{watched}",
    )  # fmt: skip


def _fingerprint(api_key: str) -> str:
    """Two connections with one key share its budget; Redis holds no key."""
    return hashlib.blake2b(api_key.encode(), digest_size=12).hexdigest()
