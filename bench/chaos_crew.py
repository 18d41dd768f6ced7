"""The workers of a chaos run: started as a supervisor does, killed and frozen as the dice say."""

import random
import signal
import time
from dataclasses import dataclass, field

from bench.chaos_plan import Plan, Toll
from bench.crash_points import KILL, LATE, POINTS, STOP, WORKER, Strike
from bench.floor import Floor
from bench.nursery import Forked

#: Where a worker can be struck; it asks for jobs, too.
_POINTS = [point.name for point in POINTS.values() if point.who == WORKER] + ["C02", "C03"]
#: Passed only when an order is in doubt: who is to be struck there is given more time.
_RARE = ("C12", "C13", "C14")


@dataclass(slots=True)
class Hand:
    """One worker and its fate."""

    child: Forked
    strike: Strike | None
    #: When it is killed or frozen from outside, if it was not struck before.
    ends_at: float
    blow: str
    #: When a frozen one wakes, and when a woken one is told to stop.
    wakes_at: float | None = None
    leaves_at: float | None = None


@dataclass(slots=True)
class Crew:
    """Keeps `plan.workers` of them at work, whatever happens to them."""

    here: Floor
    plan: Plan
    dice: random.Random
    toll: Toll
    hands: list[Hand] = field(default_factory=list)
    frozen: list[Hand] = field(default_factory=list)

    def tend(self) -> None:
        """Strike those whose time has come, wake the frozen, bury the dead and replace them."""
        now = time.monotonic()
        for hand in list(self.hands):
            self._tend_one(hand, now)
        for hand in list(self.frozen):
            self._tend_frozen(hand, now)
        while len(self.hands) < self.plan.workers:
            self.hands.append(self._hire(now))

    def rest(self) -> None:
        """The trouble is over: the frozen wake, the doomed go, and workers without a fate take over."""
        for hand in [*self.hands, *self.frozen]:
            hand.child.signal(signal.SIGCONT)
            if hand.strike is None or self._blow(hand) is not None:
                hand.child.signal(signal.SIGTERM)
            else:
                hand.child.kill()  # it is armed, and would strike later
                self.toll.kills["worker, at the end"] += 1
        self.hands.clear()
        self.frozen.clear()
        for _ in range(self.plan.workers):
            self.here.fork("worker", "--concurrency", str(self.plan.concurrency))

    def _hire(self, now: float) -> Hand:
        """A new worker; most are to be struck at a named point, some at any moment."""
        blow = self.dice.choices([KILL, STOP], [5, 1])[0]
        strike = None
        ends_at = now + self.dice.choice([self.dice.uniform(0.3, 4), self.dice.uniform(4, 14)])
        if self.dice.random() < 0.7:
            point = self.dice.choice([*_POINTS, *_RARE])
            dealt = LATE if self.dice.random() < 0.1 else blow
            strike = Strike(point, dealt, 1 if point in _RARE else self.dice.randint(1, 4))
            ends_at += 12 if point in _RARE else 0
        child = self.here.fork("worker", "--concurrency", str(self.plan.concurrency), strike=strike)
        return Hand(child, strike, ends_at, blow)

    def _tend_one(self, hand: Hand, now: float) -> None:
        if not hand.child.running:
            self.hands.remove(hand)
            self.here.children.remove(hand.child)
            self._count_dead(hand)
        elif hand.child.stopped:
            self.toll.stops[str(hand.strike and hand.strike.point)] += 1
            self._freeze(hand, now)
        elif now > hand.ends_at and hand.blow == KILL:
            hand.child.signal(signal.SIGKILL)
        elif now > hand.ends_at:
            hand.child.signal(signal.SIGSTOP)
            self.toll.stops["any moment"] += 1
            self._freeze(hand, now)

    def _freeze(self, hand: Hand, now: float) -> None:
        self.hands.remove(hand)
        hand.wakes_at = now + self.dice.uniform(1, 45)
        self.frozen.append(hand)

    def _tend_frozen(self, hand: Hand, now: float) -> None:
        """Woken, it goes on beside those who took over, and is then told to stop as in a deploy."""
        if not hand.child.running:
            self.frozen.remove(hand)
            self.here.children.remove(hand.child)
            if hand.child.code == -signal.SIGKILL:
                self._count_dead(hand)
        elif hand.wakes_at is not None and now > hand.wakes_at:
            hand.child.signal(signal.SIGCONT)
            hand.wakes_at, hand.leaves_at = None, now + self.dice.uniform(1, 5)
        elif hand.wakes_at is None and hand.leaves_at is not None and now > hand.leaves_at:
            hand.child.signal(signal.SIGTERM)
            hand.leaves_at = None

    def _count_dead(self, hand: Hand) -> None:
        struck = self._blow(hand)
        if struck is not None and struck["blow"] == LATE:
            self.toll.cuts["job at its time limit"] += 1
        if struck is not None and struck["blow"] == KILL:
            self.toll.kills["worker, at a point"] += 1
            self.toll.points[str(struck["point"])] += 1
        elif hand.child.code == -signal.SIGKILL:
            self.toll.kills["worker, at any moment"] += 1
        else:
            # Its supervisor starts it again, as we do; it was not killed.
            self.toll.cuts["worker that ended by itself"] += 1
            self.toll.last_words += hand.child.last_words.splitlines()[-1:]

    def _blow(self, hand: Hand) -> dict[str, object] | None:
        return self.here.nursery.blow(hand.child.pid)
