"""What may go wrong, and how often. The bounds are those that the protocol assumes; within them anything may
happen at any time. Delays beyond them are named in `proof.py`: no software can tell them from absence."""

from dataclasses import dataclass
from random import Random
from typing import Protocol

from portal.trading.proof import CLOCK_SLACK, READ_LAG, VENUE_WAIT

LAG, INSIDE, SKEW = READ_LAG.total_seconds(), VENUE_WAIT.total_seconds(), CLOCK_SLACK.total_seconds()
#: Without a deadline at the venue, network and a paused process together must stay below
#: `NO_WINDOW_SLACK`, less the waits inside the venue.
LONGEST_DELAY, LONGEST_PAUSE_AT_SOCKET = 60.0, 40.0
LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True)
class Flight:
    """One request and its answer. `refusal`: the venue says no, before anything happens."""

    lost: bool = False
    delay: float = 0.02
    inside: float = 0.0
    refusal: str | None = None
    answer_lost: bool = False
    #: Something between us and the venue answers for it, at once and wrongly: a 5xx, an empty page.
    broken: bool = False
    answer_delay: float = 0.02


@dataclass(frozen=True, slots=True)
class Life:
    """What becomes of an order that was taken, and how late that shows."""

    waits: float = 0.0
    fills: bool = True
    lag: float = 0.0
    end_lag: float = 0.0


class Fates(Protocol):
    def flight(self) -> Flight: ...
    def life(self) -> Life: ...
    def query_fails(self) -> bool: ...
    def read_fails(self) -> bool: ...
    def hints(self) -> int:
        """How often a queue entry arrives: lost, once, or twice."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of 1. Harsh on purpose: a day of these would be an incident."""

    request_lost: float = 0.03
    request_late: float = 0.03
    answer_lost: float = 0.05
    broken: float = 0.03
    refused: float = 0.01
    limited: float = 0.02
    waits_inside: float = 0.05
    crash: float = 0.02
    pause: float = 0.01
    query_fails: float = 0.05
    outage: float = 0.02
    lag: float = 0.10
    read_fails: float = 0.02
    hint_lost: float = 0.02
    hint_twice: float = 0.05
    limit_order: float = 0.20
    unfilled: float = 0.05


PLAIN_FLIGHT, PLAIN_LIFE = Flight(), Life()


class RandomFates:
    """Fates by dice. One trial in fifty asks a venue whose queries mostly fail."""

    def __init__(self, rng: Random, rates: Rates) -> None:
        self._rng, self._rates = rng, rates
        self._query_fails = 0.6 if rng.random() < rates.outage else rates.query_fails

    def flight(self) -> Flight:
        rates, roll = self._rates, self._rng.random
        lost, late = roll() < rates.request_lost, roll() < rates.request_late
        silent, broken = roll() < rates.answer_lost, roll() < rates.broken
        slow, said = roll() < rates.waits_inside, roll()
        refusal = None
        if said < rates.refused + rates.limited:
            refusal = "refused" if said < rates.refused else "limited"
        if not (lost or late or silent or broken or slow or refusal):
            return PLAIN_FLIGHT
        return Flight(
            lost=lost,
            delay=(roll() ** 3 * LONGEST_DELAY) if late else 0.02,
            inside=roll() * INSIDE if slow else 0.0,
            refusal=refusal,
            answer_lost=silent,
            broken=broken,
        )

    def life(self) -> Life:
        rates, roll = self._rates, self._rng.random
        lag = roll() * LAG if roll() < rates.lag else 0.0
        waits = roll() * 90 if roll() < rates.limit_order else 0.0
        fills = roll() >= rates.unfilled
        if not lag and not waits and fills:
            return PLAIN_LIFE
        return Life(waits, fills, lag, roll() * LAG if roll() < rates.lag else 0.0)

    def query_fails(self) -> bool:
        return self._rng.random() < self._query_fails

    def read_fails(self) -> bool:
        return self._rng.random() < self._rates.read_fails

    def hints(self) -> int:
        said = self._rng.random()
        if said < self._rates.hint_lost:
            return 0
        return 2 if said > 1 - self._rates.hint_twice else 1
