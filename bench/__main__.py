"""`python -m bench`: everything, or one measurement; `chaos` kills processes and counts orders instead."""

import argparse
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from bench import chaos, doubt, fanout, monitor, pages, single, web, worker
from bench.chaos_plan import Plan
from bench.figures import Result, show, to_json
from bench.machine import facts
from portal.commands.up import interruptible

Options = argparse.Namespace


def _fanout(options: Options) -> list[Result]:
    counts = (100,) if options.quick else (200, 1000)
    latencies = (0, 50) if options.quick else (0, 50, 200)
    chosen = fanout.Options(
        tuple(options.accounts or counts),
        tuple(options.latency or latencies),
        options.workers,
        options.concurrency,
    )
    return fanout.run(chosen)


MEASURES: dict[str, Callable[[Options], list[Result]]] = {
    # First: the others build the application in this process, which makes RQ write JSON here from then on,
    # and RQ's own workers, the baseline, would not read it.
    "worker": lambda options: worker.run(100 if options.quick else 1000, options.concurrency),
    "fanout": _fanout,
    "single": lambda options: single.run(20 if options.quick else 200, options.concurrency),
    "monitor": lambda options: monitor.run(1000 if options.quick else 10_000),
    "web": lambda options: web.run(20 if options.quick else 200),
    "pages": lambda options: pages.run(10 if options.quick else 40, pages.QUICK if options.quick else None),
    "doubt": lambda options: doubt.run(
        (options.accounts or [60 if options.quick else 200])[0], options.concurrency
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for and print it. Returns the exit code."""
    options = _parser().parse_args(argv)
    console = Console(quiet=options.json)
    machine = facts()
    console.print("  ".join(f"[dim]{name}[/dim] {value}" for name, value in machine.items()))
    try:
        with interruptible():
            if options.what == "chaos":
                return _chaos(options, console)
            results = _measure(options, console)
    except KeyboardInterrupt:
        console.print("Stopped; everything it had started is stopped too.")
        return 130
    console.print(f"[dim]load at the end[/dim] {facts()['load']}")
    if options.json:
        print(to_json(machine, results))
    return 0


def _measure(options: Options, console: Console) -> list[Result]:
    results: list[Result] = []
    for name in MEASURES if options.what == "all" else [options.what]:
        measured = MEASURES[name](options)
        for result in measured:
            show(console, result)
        results += measured
    return results


def _chaos(options: Options, console: Console) -> int:
    [accounts] = options.accounts or [60]
    plan = Plan(
        accounts=accounts,
        kills=options.kills,
        seed=options.seed,
    )
    return chaos.run(plan, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=[*MEASURES, "all", "chaos"], default="all")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size: does it work at all?")
    parser.add_argument("--json", action="store_true", help="print numbers only")
    parser.add_argument("--accounts", type=int, nargs="+", help="fanout, chaos, doubt: number of accounts")
    parser.add_argument("--latency", type=int, nargs="+", help="fanout: milliseconds of the exchange")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--concurrency", type=int, default=16, help="jobs at once in each")
    parser.add_argument("--kills", type=int, default=100, help="chaos: processes killed with -9")
    parser.add_argument("--seed", type=int, default=1, help="chaos: decides faults and victims")
    return parser


if __name__ == "__main__":
    sys.exit(main())
