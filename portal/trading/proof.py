"""When "not found" is believed, when to ask again, and whether another order may follow. Rules only: no
clock, no database, no network, so that the services and the model test obey the very same lines."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from portal.trading.types import OrderState

#: Our clock and the venue's may differ by this much after correction.
CLOCK_SLACK = timedelta(seconds=1)
#: A request that was let in may wait this long inside the venue before it becomes an order.
VENUE_WAIT = timedelta(seconds=10)
#: What happened at the venue may take this long to show in its queries.
READ_LAG = timedelta(seconds=5)
SLACK = CLOCK_SLACK + VENUE_WAIT + READ_LAG
#: A venue that takes no validity window may act on a delayed request; this is how long that is expected.
NO_WINDOW_SLACK = timedelta(seconds=120)

ANSWERS_NEEDED = 3
#: The first and the last answer must be further apart than `READ_LAG`: a resting order that fills just before
#: the first leaves the list of open orders at once, and enters the history that much later.
BETWEEN_ANSWERS = timedelta(seconds=3)
LONGEST_BACKOFF = timedelta(seconds=15)

#: Codes of orders that were never there: by proof, and by the word of a person who looked.
PROVED_ABSENT = "PROVED_ABSENT"
DECLARED_NOT_PLACED = "DECLARED_NOT_PLACED"
#: The venue is asked about such an order for so long afterwards: people err.
WATCHED_AFTER_DECLARATION = timedelta(hours=1)

#: A second order after proof of absence, never a third.
MAX_GENERATIONS = 2
#: New attempts after a refusal before processing (rate limit, clock).
MAX_ATTEMPTS = 5


class Endpoint(StrEnum):
    """A kind of question to a venue, by what it would show."""

    #: One order by our id, whatever became of it.
    ORDER = "order"
    #: Orders that wait.
    OPEN = "open"
    #: Orders that ended.
    HISTORY = "history"
    #: Executions.
    FILLS = "fills"


SHOWS_WAITING = frozenset({Endpoint.ORDER, Endpoint.OPEN})
SHOWS_FILLED = frozenset({Endpoint.ORDER, Endpoint.HISTORY, Endpoint.FILLS})
SHOWS_UNFILLED_END = frozenset({Endpoint.ORDER, Endpoint.HISTORY})


def shows_absence(kinds: Collection[str]) -> bool:
    """Whether two kinds of endpoint that both say "not found" leave no room for an order that waits or
    filled. Two kinds that look at the same corner do not."""
    asked = frozenset(kinds)
    return len(asked) >= 2 and bool(asked & SHOWS_WAITING) and bool(asked & SHOWS_FILLED)


def shows_no_trace(kinds: Collection[str]) -> bool:
    """As `shows_absence`, and an order that ended without a fill would have shown too."""
    return shows_absence(kinds) and bool(frozenset(kinds) & SHOWS_UNFILLED_END)


def backoff(queries: int) -> timedelta:
    """How long to wait after the `queries`-th question: 1, 2, 4 … 15 seconds."""
    return min(timedelta(seconds=1 << min(max(queries - 1, 0), 5)), LONGEST_BACKOFF)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is known of an order that may or may not exist. A new value after each answer."""

    #: After this moment we do not send the request, and a venue with a window does not take it.
    not_after: datetime
    has_window: bool
    #: Questions asked so far.
    queries: int = 0
    #: Answers "not found" that count, and the kinds of endpoint that gave the last of them.
    answers: int = 0
    kinds: frozenset[str] = frozenset()
    last_absent_at: datetime | None = None

    @property
    def horizon(self) -> datetime:
        """Until then "not found" proves nothing: the order may still arrive, wait inside, or not show yet."""
        return self.not_after + (SLACK if self.has_window else NO_WINDOW_SLACK)

    def observe(self, absent_from: Collection[str], asked_at: datetime) -> "Doubt":
        """After an answer "not found" from the kinds `absent_from`, asked at `asked_at`.

        An answer counts by itself or not at all: what one question missed, another one minutes later cannot
        vouch for. So the first says that nothing waits any more, and the last, `READ_LAG` later, that nothing
        ended either."""
        if asked_at <= self.horizon or not shows_absence(absent_from):
            return self
        if self.last_absent_at is not None and asked_at - self.last_absent_at < BETWEEN_ANSWERS:
            return self
        return replace(self, answers=self.answers + 1, kinds=frozenset(absent_from), last_absent_at=asked_at)

    @property
    def is_absent(self) -> bool:
        """Proved: nothing waits and nothing was executed."""
        return self.answers >= ANSWERS_NEEDED

    @property
    def left_no_trace(self) -> bool:
        """Proved: the venue never took it, so that another order would be the first. Without this, an order
        may have been taken and have ended unfilled."""
        return self.is_absent and shows_no_trace(self.kinds)

    def next_question(self, asked_at: datetime, now: datetime) -> timedelta:
        """How long to wait after the question of `asked_at`, when it did not settle the matter."""
        if asked_at <= self.horizon:
            return min(backoff(self.queries), max(self.horizon - now, BETWEEN_ANSWERS))
        return BETWEEN_ANSWERS if self.last_absent_at == asked_at else backoff(self.queries)


def end_without_order(*, again: bool, refused_with_code: bool) -> OrderState:
    """What an order in flight becomes once it is proved that nothing was placed. A refusal for now (rate
    limit, clock, window) is no verdict on the order, whatever its code."""
    return OrderState.REJECTED if refused_with_code and not again else OrderState.NOT_PLACED


def may_attempt_again(*, generation: int, attempts: int, proved_absent: bool) -> bool:
    """Whether an intent whose last order is proved not to exist may have one more, under a new id.

    `proved_absent`: the proof is the venue's silence; otherwise it refused before processing."""
    if proved_absent and generation + 1 >= MAX_GENERATIONS:
        return False
    return attempts < MAX_ATTEMPTS
