"""Many small worlds, one signal each, everything that can go wrong by dice. Every trial is repeatable from
seed and number."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

from portal.trading.types import ExecutionStatus
from tests.model import actors
from tests.model.fates import LONGEST_PAUSE, LONGEST_PAUSE_AT_SOCKET, SKEW, RandomFates, Rates
from tests.model.judge import Verdict, judge
from tests.model.protocol import Actor, World
from tests.model.rules import REAL, Rules
from tests.model.venue import ROUTES, Cell, Venue

SWEEP_EVERY = 10.0
#: Nothing takes longer; what is not settled then is lost.
LONGEST_TRIAL = 3600.0
IDENTITIES = ("A", "B-all", "B-open", "C")
CELLS = tuple(Cell(identity, window) for identity in IDENTITIES for window in (True, False))
HARSH = Rates()


@dataclass(slots=True)
class Agenda:
    """What happens when. One virtual clock for everybody."""

    rng: Random
    rates: Rates
    trace: list[str] | None = None
    entries: list[tuple[float, int, Actor | Callable[[], None]]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)
    world: World = field(init=False)

    def spawn(self, actor: Actor) -> None:
        self.put(0.002, actor)

    def put(self, delay: float, what: Actor | Callable[[], None]) -> None:
        heapq.heappush(self.entries, (self.world.now + delay, next(self.numbers), what))

    def run(self) -> None:
        """Until nobody has anything to do."""
        entries, world = self.entries, self.world
        while entries and world.now < LONGEST_TRIAL:
            world.now, _, what = heapq.heappop(entries)
            if callable(what):
                what()
            else:
                self.advance(what)

    def advance(self, actor: Actor) -> None:
        step = next(actor, None)
        if step is None:
            return
        delay, roll = step.delay, self.rng.random
        if roll() < self.rates.crash:
            self.note(f"crash at {step.point}")
            return
        if roll() < self.rates.pause:
            at_socket = step.point == "C8" and not self.world.venue.cell.window
            delay += roll() * (LONGEST_PAUSE_AT_SOCKET if at_socket else LONGEST_PAUSE)
            self.note(f"pause at {step.point} for {delay:.1f} s")
        self.put(delay, actor)

    def note(self, what: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.world.now:9.3f}  {what}")


def run_trial(
    seed: int,
    number: int,
    cell: Cell,
    rules: Rules = REAL,
    rates: Rates = HARSH,
    trace: list[str] | None = None,
) -> tuple[World, Verdict]:
    """One signal from its webhook to its closed position."""
    rng = Random(f"{seed} {cell.identity} {cell.window} {number}")
    # One venue in ten can be asked less well than the class says.
    routes = rng.choice(tuple(ROUTES)) if cell.routes == "any" or rng.random() < 0.1 else cell.routes
    cell = Cell(cell.identity, cell.window, routes)
    fates, agenda = RandomFates(rng, rates), Agenda(rng, rates, trace)
    venue = Venue(cell, fates, skew=rng.uniform(-SKEW, SKEW))
    world = agenda.world = World(venue, fates, rules, agenda.spawn, agenda.put)
    oldest = 60.0 if rng.random() < 0.5 else 300.0
    while True:  # the sender repeats the webhook until it hears an answer, and sometimes after it
        agenda.put(rng.random() * 2, actors.webhook(world, "signal", oldest))
        if rng.random() > 0.1:
            break

    def tick() -> None:
        for position in world.rows.positions:
            if position.open and not position.wanted:
                actors.ask_close(world, position)
        if actors.sweep(world) or agenda.entries:
            agenda.put(SWEEP_EVERY, tick)

    agenda.put(SWEEP_EVERY, tick)
    agenda.run()
    if trace is not None:
        trace.extend(describe(world))
    return world, judge(world)


def describe(world: World) -> Iterator[str]:
    yield f"{world.venue.cell}"
    for execution in world.rows.executions:
        yield f"execution {execution.number}: {execution.status.value}, generation {execution.generation}"
    for order in world.rows.orders:
        kinds = ",".join(sorted(order.kinds))
        sent = f"sent {order.sent_at:.3f}, absent from {kinds or 'nowhere'}"
        yield f"row   {order.client_order_id}: {order.state.value}, {sent}"
    for taken in world.venue.orders:
        yield f"venue {taken.client_order_id}: taken {taken.at:.3f}, {taken.life}"


@dataclass(slots=True)
class Tally:
    """What came of many trials of one kind of venue."""

    trials: int = 0
    duplicates: int = 0
    ghosts: int = 0
    lost: int = 0
    kept: int = 0
    outcomes: Counter[ExecutionStatus] = field(default_factory=Counter)
    resent: int = 0
    found_after: list[float] = field(default_factory=list)
    absent_after: list[float] = field(default_factory=list)
    #: The first trials that broke the promise, to be repeated.
    broken: list[int] = field(default_factory=list)

    def add(self, number: int, world: World, verdict: Verdict) -> None:
        self.trials += 1
        self.duplicates += verdict.duplicates
        self.ghosts += verdict.ghosts
        self.lost += verdict.lost
        self.kept += verdict.kept
        for execution in world.rows.executions:
            self.outcomes[execution.status] += 1
            self.resent += execution.generation > 0
        self.found_after += world.found_after
        self.absent_after += world.absent_after
        if not verdict.holds and len(self.broken) < 5:
            self.broken.append(number)

    def merge(self, other: "Tally") -> None:
        for name in ("trials", "duplicates", "ghosts", "lost", "kept", "resent"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.outcomes += other.outcomes
        self.found_after += other.found_after
        self.absent_after += other.absent_after
        self.broken += other.broken[: 5 - len(self.broken)]

    @property
    def holds(self) -> bool:
        return not (self.duplicates or self.ghosts or self.lost)


def run_trials(seed: int, trials: range, cell: Cell, rules: Rules = REAL, rates: Rates = HARSH) -> Tally:
    """All of `trials`; the same numbers give the same trials."""
    tally = Tally()
    for number in trials:
        tally.add(number, *run_trial(seed, number, cell, rules, rates))
    return tally
