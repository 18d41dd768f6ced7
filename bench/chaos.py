"""`make chaos`: signals to many accounts while workers, publishers, the scheduler and Redis are killed and
frozen, connections are cut and the exchange misbehaves. Then the trouble stops, and the exchange is asked."""

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress

from rich.console import Console
from rich.table import Table

from bench import chaos_judge, chaos_signals
from bench.chaos_crew import Crew
from bench.chaos_judge import Verdict
from bench.chaos_plan import Plan, Toll
from bench.chaos_signals import Sender
from bench.chaos_weather import US, Weather
from bench.floor import Floor, floor
from portal.db import db

#: What a worker is given, so that a run meets in minutes what a portal meets in months.
_SETTINGS = {"PORTAL_EXCHANGE_TIMEOUT_SECONDS": "4"}
#: Signals per account that may be without an outcome before no more are sent.
_MOST_WAITING = 3
Say = Callable[[str], None]


def strike(here: Floor, plan: Plan, say: Say) -> tuple[Toll, Verdict]:
    """Make trouble until `plan.kills` processes were killed, let everything settle, and judge.

    The floor must have nothing but its servers; raises TimeoutError when the trouble takes too long."""
    here.env.update(_SETTINGS)
    _answer_to_our_name()
    dice, toll = random.Random(plan.seed), Toll()
    names = [key.name for key in chaos_signals.open_accounts(here, plan.accounts)]
    # Dice of their own, so that what one part draws does not shift what the others do.
    crew = Crew(here, plan, random.Random(dice.random()), toll)
    weather = Weather(here, random.Random(dice.random()), toll, names)
    sender = Sender(here, random.Random(dice.random()), toll)
    weather.begin()
    _trouble(plan, toll, crew, weather, sender, say)
    weather.clear()
    say("The trouble is over; everything settles.")
    began = time.monotonic()
    sender.arms = False
    _until(sender.tend, 60)
    crew.rest()
    _until(lambda: chaos_judge.is_settled(toll.without_stops), plan.settle_seconds, weather.clear)
    say(f"Settled after {time.monotonic() - began:.0f} s.")
    return toll, chaos_judge.judge(here, toll)


def _trouble(plan: Plan, toll: Toll, crew: Crew, weather: Weather, sender: Sender, say: Say) -> None:
    began = next_signal = time.monotonic()
    while toll.killed < plan.kills:
        now = time.monotonic()
        if now - began > plan.longest:
            raise TimeoutError(f"{toll.killed} of {plan.kills} kills within {plan.longest:.0f} s")
        if now >= next_signal and chaos_judge.unsettled() > plan.accounts * _MOST_WAITING:
            next_signal = now + 1  # more would only wait, and be waited for when the trouble is over
        elif now >= next_signal:
            next_signal = now + plan.round_seconds
            words = sender.send()
            say(
                f"{now - began:5.0f} s  signal {len(toll.keys):3}: {words:18} "
                f"{toll.killed:4} kills, {toll.stops.total():3} stops, {toll.cuts.total():3} cuts"
            )
        crew.tend()
        weather.tend()
        sender.tend()
        time.sleep(0.05)
    # Something is under way when the trouble ends, and something stays open for the judge.
    say(f"last signal: {sender.send(only_open=True)}")


def _until(found: Callable[[], bool], seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
    """As far as it comes within the time: what is missing then is for the judge."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not found():
        meanwhile()
        time.sleep(0.3)


def _answer_to_our_name() -> None:
    """Connections of the harness itself are not cut."""
    os.environ["PGAPPNAME"] = US
    db.session.remove()
    db.engine.dispose()


def run(plan: Plan, console: Console) -> int:
    """The command: strike, and print the evidence. Returns the exit code."""
    console.print(f"Seed {plan.seed}: the same seed draws the same signals, faults and victims.")
    with floor(seed=plan.seed) as here, suppress(KeyboardInterrupt):
        toll, verdict = strike(here, plan, lambda words: console.print(words, highlight=False))
        show(plan, toll, verdict, console)
        return 1 if verdict.problems else 0
    return 130


def show(plan: Plan, toll: Toll, verdict: Verdict, console: Console) -> None:
    """The final table, and every broken promise as a sentence."""
    table = Table(title=f"Chaos, seed {plan.seed}, {plan.accounts} accounts", show_header=False)
    rows = {
        "signals, deliveries": f"{len(toll.keys)}, {toll.deliveries}",
        "kills": f"{toll.killed}: {_told(toll.kills)}",
        "kills by point": _told(toll.points),
        "stopped and continued": f"{toll.stops.total()}: {_told(toll.stops)}",
        "cut": _told(toll.cuts),
        "faults at the exchange": _told(toll.faults),
        "accounts without stops": _told(toll.refusals),
        "executions": _told(verdict.statuses),
        "orders accepted": f"{verdict.accepted:,}",
        "duplicates": str(len(verdict.duplicates)),
        "ghosts": str(len(verdict.ghosts)),
        "lost": str(len(verdict.lost)),
        "open positions": f"{verdict.positions}, {verdict.bare} without a stop at the exchange",
        "without a stop, alarmed": str(verdict.alarmed),
        "unprotected, not alarmed": str(len(verdict.unprotected)),
        "books against exchange": f"{len(verdict.off_books)} differences",
        "unknown orders": _percentiles(verdict.unknown_seconds),
        "seed": str(plan.seed),
    }
    for name, words in rows.items():
        table.add_row(name, words)
    console.print(table)
    for words in toll.last_words:
        console.print(f"[dim]A worker ended by itself: {words[:300]}", highlight=False)
    for problem in verdict.problems[:40]:
        console.print(f"[red]{problem}")
    if not verdict.problems:
        console.print("[green]Nothing doubled, unknown or lost, and nothing unprotected in silence.")


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _percentiles(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    p50, p99 = (seconds[min(int(len(seconds) * share), len(seconds) - 1)] for share in (0.5, 0.99))
    return f"{len(seconds)}: known after p50 {p50:.1f} s, p99 {p99:.1f} s, last {seconds[-1]:.1f} s"
