"""The same processes, stepped by hypothesis instead of by dice: it chooses who goes on, who dies, what a
message meets and how time passes, and shrinks what breaks the promise to the shortest story."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model import actors
from tests.model.fates import INSIDE, LAG, LONGEST_DELAY, LONGEST_PAUSE_AT_SOCKET, SKEW, Flight, Life
from tests.model.judge import duplicates, ghosts, judge
from tests.model.protocol import Actor, World
from tests.model.rules import REAL, Rules
from tests.model.trials import IDENTITIES, SWEEP_EVERY
from tests.model.venue import ROUTES, Cell, Venue

FLIGHTS = st.builds(
    Flight,
    lost=st.booleans(),
    delay=st.sampled_from((0.02, 4.9, 8.0, LONGEST_DELAY)),
    inside=st.sampled_from((0.0, INSIDE)),
    refusal=st.sampled_from((None, None, None, "limited", "refused")),
    answer_lost=st.booleans(),
    broken=st.booleans(),
)
LIVES = st.builds(
    Life,
    waits=st.sampled_from((0.0, 20.0, 60.0)),
    fills=st.booleans(),
    lag=st.sampled_from((0.0, LAG)),
    end_lag=st.sampled_from((0.0, LAG)),
)


@dataclass(slots=True)
class ChosenFates:
    """What the next message, question and queue entry meet."""

    next_flight: Flight
    next_life: Life
    asked_fails: tuple[bool, ...] = ()
    hint_copies: int = 1

    def flight(self) -> Flight:
        return self.next_flight

    def life(self) -> Life:
        return self.next_life

    def query_fails(self) -> bool:
        failing, self.asked_fails = self.asked_fails[:1], self.asked_fails[1:]
        return any(failing)

    def read_fails(self) -> bool:
        return False

    def hints(self) -> int:
        return self.hint_copies


@dataclass(slots=True, eq=False)
class Process:
    actor: Actor
    wakes_at: float
    point: str = "start"
    sleeps_until: float | None = None


class ProtocolMachine(RuleBasedStateMachine):
    """Several signals, any number of processes. Subclasses say by which rules."""

    protocol: Rules = REAL

    @initialize(
        identity=st.sampled_from(IDENTITIES),
        window=st.booleans(),
        routes=st.sampled_from(sorted(ROUTES)),
        skew=st.sampled_from((-SKEW, 0.0, SKEW)),
    )
    def open_venue(self, identity: str, window: bool, routes: str, skew: float) -> None:
        self.fates = ChosenFates(Flight(), Life())
        self.processes: list[Process] = []
        self.messages: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = count()
        venue = Venue(Cell(identity, window, routes), self.fates, skew)
        self.world = World(venue, self.fates, self.protocol, self._spawn, self._later)
        self.signals = 0

    def _spawn(self, actor: Actor) -> None:
        self.processes.append(Process(actor, self.world.now))

    def _later(self, delay: float, what: Callable[[], None]) -> None:
        heapq.heappush(self.messages, (self.world.now + delay, next(self.numbers), what))

    @precondition(lambda self: self.signals < 3)
    @rule(again=st.booleans(), oldest=st.sampled_from((60.0, 300.0)))
    def signal_arrives(self, again: bool, oldest: float) -> None:
        self.signals += not again or self.signals == 0
        self._spawn(actors.webhook(self.world, f"signal {self.signals}", oldest))

    @precondition(lambda self: self.processes)
    @rule(
        who=st.integers(0, 99),
        steps=st.integers(1, 6),
        flight=FLIGHTS,
        life=LIVES,
        fails=st.lists(st.booleans(), max_size=4),
        hints=st.integers(0, 2),
    )
    def process_goes_on(
        self, who: int, steps: int, flight: Flight, life: Life, fails: list[bool], hints: int
    ) -> None:
        """It runs `steps` points far; what it waits for takes its time."""
        self.fates.next_flight, self.fates.next_life = flight, life
        self.fates.asked_fails, self.fates.hint_copies = tuple(fails), hints
        process = self.processes[who % len(self.processes)]
        for _ in range(steps):
            self._pass_until(process.wakes_at)
            if not self._step(process):
                break

    @precondition(lambda self: self.processes)
    @rule(who=st.integers(0, 99))
    def process_dies(self, who: int) -> None:
        self.processes.pop(who % len(self.processes))

    @rule(seconds=st.sampled_from((1.0, 6.0, 12.0, 31.0, 130.0)))
    def time_passes(self, seconds: float) -> None:
        self._pass_until(self.world.now + seconds)

    @rule()
    def sweeper_runs(self) -> None:
        actors.sweep(self.world)

    @precondition(lambda self: self.world.rows.positions)
    @rule(who=st.integers(0, 9))
    def exit_is_wanted(self, who: int) -> None:
        positions = self.world.rows.positions
        actors.ask_close(self.world, positions[who % len(positions)])

    @invariant()
    def nothing_is_doubled_or_denied(self) -> None:
        if hasattr(self, "world"):
            assert duplicates(self.world) == 0, "the venue took a second order for one intent"
            assert ghosts(self.world) == 0, "the venue took an order that the rows deny"

    def teardown(self) -> None:
        """Calm at last: everything must be settled by whoever is left, and by the sweeper."""
        if not hasattr(self, "world"):
            return
        self.fates.next_flight, self.fates.next_life = Flight(), Life()
        self.fates.asked_fails, self.fates.hint_copies = (), 1
        for _ in range(120):
            while self.processes:
                process = min(self.processes, key=lambda one: one.wakes_at)
                self._pass_until(process.wakes_at)
                self._step(process)
            for position in self.world.rows.positions:
                actors.ask_close(self.world, position)
            if not actors.sweep(self.world) and not self.processes and not self.messages:
                break
            self._pass_until(self.world.now + SWEEP_EVERY)
        verdict = judge(self.world)
        assert verdict.holds, verdict

    def _pass_until(self, moment: float) -> None:
        """Messages on their way arrive meanwhile; a process at a socket without a deadline is not held there
        for longer than is assumed."""
        for process in list(self.processes):
            if (
                process.sleeps_until is not None
                and process.sleeps_until < moment
                and process in self.processes
            ):
                self._deliver(process.sleeps_until)
                self._step(process)
        self._deliver(moment)
        self.world.now = max(self.world.now, moment)

    def _deliver(self, moment: float) -> None:
        while self.messages and self.messages[0][0] <= moment:
            at, _, what = heapq.heappop(self.messages)
            self.world.now = max(self.world.now, at)
            what()
        self.world.now = max(self.world.now, moment)

    def _step(self, process: Process) -> bool:
        step = next(process.actor, None)
        if step is None:
            self.processes.remove(process)
            return False
        process.wakes_at, process.point = self.world.now + step.delay, step.point
        at_socket = step.point == "C8" and not self.world.venue.cell.window
        process.sleeps_until = self.world.now + LONGEST_PAUSE_AT_SOCKET if at_socket else None
        return True
