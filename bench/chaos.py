"""A fan-out under fire: answers are lost, connections are cut, workers are killed with -9, and afterwards the
exchange is asked how many orders it took."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from bench import accounts, evidence
from bench.accounts import Published
from bench.children import Child, until
from bench.evidence import Evidence
from bench.floor import Floor, floor


@dataclass(frozen=True, slots=True)
class Plan:
    """How much trouble."""

    accounts: int = 1000
    kills: int = 3
    seed: int = 1
    workers: int = 2
    concurrency: int = 16
    #: Share of orders that the exchange takes without ever answering.
    unanswered: float = 0.05
    #: Share of orders whose connection is cut before the exchange takes them.
    cut: float = 0.02
    #: Longest time from the commit of the signal to the last outcome.
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Aftermath:
    evidence: Evidence
    #: Orders that the exchange had taken when each worker was killed.
    killed_at: tuple[int, ...]
    #: Seconds from the commit to the last accepted order, and to the last outcome.
    last_accepted: float
    last_outcome: float
    faults: dict[str, int]

    @property
    def problems(self) -> list[str]:
        return self.evidence.problems


def strike(here: Floor, plan: Plan, console: Console | None = None) -> Aftermath:
    """Publish one signal and make trouble until every execution has an outcome, or the time is over.

    The floor must have a scheduler; workers are started and stopped here."""
    say = console.print if console else _silent
    keys = accounts.open_accounts(here, plan.accounts, f"fire-{plan.seed}-{os.urandom(2).hex()}")
    accounts.connect(here, keys)
    workers = here.workers(plan.workers, plan.concurrency)
    here.sandbox.add_fault("accept_no_answer", probability=plan.unanswered)
    here.sandbox.add_fault("close_before_accept", probability=plan.cut)
    published = accounts.publish(here)
    say(f"Published to {published.executions:,} accounts; {plan.unanswered:.0%} of answers will be lost.")
    killed_at = _kill_some(here, plan, workers, published, say)
    try:
        accounts.wait_settled(published, plan.seconds - _seconds_since(published))
    except TimeoutError:
        say("[red]Not everything was settled in time.[/red]")
    outcome = _seconds_since(published)
    fired = {fault["kind"]: int(fault["fired"]) for fault in here.sandbox.faults()}
    here.sandbox.clear_faults()
    here.stop(*workers)
    orders = accounts.accepted_since(here, published.committed_ns)
    last = max((order.accepted_monotonic_ns for order in orders), default=published.committed_ns)
    found = evidence.collect(here, published, keys)
    return Aftermath(found, killed_at, (last - published.committed_ns) / 1e9, outcome, fired)


def _kill_some(
    here: Floor, plan: Plan, workers: list[Child], published: Published, say: Callable[..., None]
) -> tuple[int, ...]:
    """kill -9 a worker at evenly spread moments of the fan-out, and start another in its place."""
    dice = random.Random(plan.seed)
    before = _accepted(here) - len(accounts.accepted_since(here, published.committed_ns))
    killed_at = []
    for number in range(1, plan.kills + 1):
        wanted = plan.accounts * number // (plan.kills + 2)
        until("Half-way", lambda wanted=wanted: _accepted(here) - before >= wanted, plan.seconds, 0.01)
        victim = dice.choice(workers)
        victim.kill()
        killed_at.append(_accepted(here) - before)
        say(f"Killed worker {victim.pid} when {killed_at[-1]:,} orders had been accepted.")
        here.children.remove(victim)
        workers[workers.index(victim)] = here.child("worker", "--concurrency", str(plan.concurrency))
    return tuple(killed_at)


def _accepted(here: Floor) -> int:
    return int(here.sandbox.state()["orders"])


def _seconds_since(published: Published) -> float:
    return (time.monotonic_ns() - published.committed_ns) / 1e9


def _silent(*_words: object) -> None:
    return None


def run(plan: Plan, console: Console) -> int:
    """The command: strike, and print the evidence. Returns the exit code."""
    console.print(f"Seed {plan.seed}: the same seed gives the same faults and victims.")
    with floor(seed=plan.seed) as here:
        here.child("scheduler")
        done = strike(here, plan, console)
    found = done.evidence
    console.print(f"Faults at the exchange: {done.faults}")
    console.print(f"Accepted at the exchange: {found.accepted:,} orders of {found.accounts:,} accounts")
    console.print(f"Outcomes: {found.statuses}")
    console.print(
        f"Last order accepted after {done.last_accepted:.1f} s, last outcome after {done.last_outcome:.1f} s"
    )
    for problem in done.problems:
        console.print(f"[red]{problem}")
    if not done.problems:
        console.print("[green]Exactly one order per account, or the proof of none; the books balance.")
    return 1 if done.problems else 0
