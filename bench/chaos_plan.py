"""How much trouble a chaos run makes, and what it has made so far. Numbers only."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a run."""

    accounts: int = 60
    kills: int = 100
    seed: int = 1
    #: Worker processes at once, and jobs at once in each.
    workers: int = 3
    concurrency: int = 6
    #: Seconds between two signals.
    round_seconds: float = 7.0
    #: Seconds in which everything must have an outcome once the trouble is over.
    settle_seconds: float = 600.0

    @property
    def longest(self) -> float:
        """Seconds in which the trouble itself must be over."""
        return 120 + self.kills * 6 + self.accounts


@dataclass(slots=True)
class Toll:
    """What was done to the portal. `kills` counts kill -9 by whom it hit, `points` those at a named point."""

    kills: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    #: Frozen by SIGSTOP and woken later, by where; connections cut; Redis emptied.
    stops: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    #: Accounts from which the exchange took no stops for a time, and those from which it takes none at all.
    refusals: Counter[str] = field(default_factory=Counter)
    without_stops: frozenset[str] = frozenset()
    #: Keys of the signals that were delivered, and how often all of them were.
    keys: list[str] = field(default_factory=list)
    deliveries: int = 0
    #: What workers said that nobody had killed.
    last_words: list[str] = field(default_factory=list)

    @property
    def killed(self) -> int:
        return self.kills.total()
