"""The budget of requests that all processes share, the pauses that venues ask for, and the breakers of venues
that do not answer. Kept in Redis, one round trip per question; docs/adr/0006 says why it is built like this.

Without Redis: exits and questions about orders in doubt pass, everything else gets a small budget per
process, and pauses that this process was told of still hold."""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from flask import current_app
from redis import Redis, RedisError

from portal.exchanges import unpaid
from portal.exchanges.budgets import REQUESTS, Call
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.services import traffic_scripts as scripts
from portal.services.traffic_lanes import HELD, Purpose, Route
from portal.services.traffic_local import LocalTraffic

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

#: Codes that mean: nobody is there.
NO_ANSWER = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.NETWORK, ErrorCode.TIMEOUT, ErrorCode.MAINTENANCE})
_EXTENSION = "portal_traffic"
#: Seconds without asking Redis again after it did not answer.
_QUIET = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. `spacing`: between requests to a venue or account that does not answer, for each request of
    the call; `first` and `longest`: how long everything but the vital is held back meanwhile; `forget`: until
    a breaker without news is forgotten; `unsaid`: the pause when a venue names none."""

    spacing: float = 10
    first: float = 10
    longest: float = 120
    forget: float = 300
    unsaid: float = 10


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a call may go now. `wait` is in seconds; 0 means go, and then the cost has been counted.
    `reason` is `budget`, `pause` or `breaker`. `probing`: it is the one call that finds out whether the venue
    is back. `troubled`: failures are on record, so that a success is worth reporting. `for_all`: what holds
    it back concerns our address, and so every account."""

    wait: float = 0.0
    reason: str = ""
    probing: bool = False
    troubled: bool = False
    for_all: bool = False


class Traffic:
    """Asks before each call and is told what came of it. Safe to share between threads; never raises for
    Redis."""

    def __init__(self, redis: Redis, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self._redis = redis
        self._local = LocalTraffic()
        self._quiet_until = 0.0
        self._admit = redis.register_script(scripts.ADMIT)
        self._charge = redis.register_script(scripts.CHARGE)
        self._fail = redis.register_script(scripts.FAIL)
        self._pause = redis.register_script(scripts.PAUSE)
        self._close = redis.register_script(scripts.CLOSE)

    def ask(self, route: Route, call: Call, purpose: Purpose, *costs: int) -> Ruling:
        """May `call` go now? `costs` per lane of the route. One round trip."""
        pauses = [self._local.paused(lane) for lane in route.lanes]
        if any(pauses):
            return Ruling(max(pauses), "pause", for_all=pauses[0] > 0)
        asked = [int(purpose is Purpose.VITAL), _ms(self.pace.spacing * REQUESTS[call])]
        for lane, cost in zip(route.lanes, costs, strict=True):
            asked += [cost, lane.limit_for(purpose), lane.allowed.seconds * 1000]
        keys = [key for lane in route.lanes for key in (lane.window, lane.pause, lane.breaker)]
        found = self._try(lambda: self._admit(keys=keys, args=asked))
        if found is None:
            return self._without_redis(route, purpose, costs)
        wait, reason, lane, probing, troubled = found
        if wait > 0 and reason == b"pause":
            self._local.pause(route.lanes[lane - 1], wait / 1000)
        return Ruling(wait / 1000, reason.decode(), bool(probing), bool(troubled), for_all=lane == 1)

    def charge_unpaid(self, route: Route) -> None:
        """Count what this process read of the venue for everybody: market tables and clocks. Nobody waits for
        it; the calls that follow do."""
        tables, clocks = unpaid.take(route.exchange_name)
        lane = route.lanes[0]
        cost = tables * lane.costs[Call.INSTRUMENTS] + clocks
        if cost:
            self._try(lambda: self._charge(keys=[lane.window], args=[cost, lane.allowed.seconds * 1000]))

    def worked(self, route: Route) -> None:
        """The venue answered: its breaker and the account's are closed, and failures forgotten."""
        closed = self._try(lambda: self._close(keys=[HELD, *(lane.breaker for lane in route.lanes)], args=[]))
        if closed:
            logger.warning("%s answers again", route.exchange_name)

    def failed(self, route: Route, call: Call, error: ExchangeError, ruling: Ruling) -> None:
        """Learn from an error: a pause when there were too many requests, a failure when nobody answered.
        A refusal with the venue's own code is an answer like any other."""
        if error.code is ErrorCode.RATE_LIMITED:
            self._slow_down(route, error)
        elif error.code in NO_ANSWER:
            if call is not Call.PLACE:
                self._count_failure(route, call, error.code, probing=ruling.probing)
        elif error.venue_code is not None and ruling.troubled:
            self.worked(route)

    def _count_failure(self, route: Route, call: Call, code: ErrorCode, *, probing: bool) -> None:
        """An order's lost answer is not counted: the questions about it are. Maintenance is the venue's own
        word, and says nothing about the account."""
        pace, maintenance = self.pace, code is ErrorCode.MAINTENANCE
        lanes = route.lanes[:1] if maintenance else route.lanes
        times = (pace.spacing * REQUESTS[call], pace.first, pace.longest, pace.forget)
        patience = (1 if maintenance else lane.patience for lane in lanes)
        keys = [HELD, *(lane.breaker for lane in lanes)]
        asked = [int(probing), *map(_ms, times), code.value, *patience]
        for lane in self._try(lambda: self._fail(keys=keys, args=asked)) or ():
            logger.warning("%s: requests are held back (%s)", route.lanes[lane - 1].breaker, code)

    def _slow_down(self, route: Route, error: ExchangeError) -> None:
        lane = route.lane_of(route.budget.scope_of(error.venue_code))
        seconds = error.retry_after or self.pace.unsaid
        self._local.pause(lane, seconds)
        self._try(lambda: self._pause(keys=[HELD, lane.pause], args=[_ms(seconds)]))
        logger.warning("%s: no requests for %s s, as the venue asked", lane.pause, seconds)

    def _without_redis(self, route: Route, purpose: Purpose, costs: tuple[int, ...]) -> Ruling:
        if purpose is Purpose.VITAL:
            return Ruling()
        for number, (lane, cost) in enumerate(zip(route.lanes, costs, strict=True)):
            if wait := self._local.spend(lane, cost):
                return Ruling(wait, "budget", for_all=number == 0)
        return Ruling()

    def _try(self, work: Callable[[], Answer]) -> Answer | None:
        if time.monotonic() < self._quiet_until:
            return None
        try:
            return work()
        except (RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + _QUIET
            logger.warning("Redis did not answer (%s): each process counts for itself", type(error).__name__)
            return None


def _ms(seconds: float) -> int:
    return math.ceil(seconds * 1000)


def current() -> Traffic:
    """The traffic control of the current app, made when first asked for."""
    found: Traffic | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        # Two threads may both make one: what they remember by themselves is not worth a lock.
        found = current_app.extensions[_EXTENSION] = Traffic(current_app.extensions["portal_redis"])
    return found
