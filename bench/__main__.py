"""`python -m bench`: everything, or one measurement."""

import argparse
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from bench import fanout
from bench.figures import Result, show, to_json
from bench.machine import facts
from portal.commands.up import interruptible

Measure = Callable[[argparse.Namespace], list[Result]]


def _fanout(options: argparse.Namespace) -> list[Result]:
    counts = tuple(options.accounts or ((100,) if options.quick else (200, 1000)))
    latencies = (0, 50) if options.quick else (0, 50, 200)
    return fanout.run(
        fanout.Options(counts, tuple(options.latency or latencies), options.workers, options.concurrency)
    )


MEASURES: dict[str, Measure] = {"fanout": _fanout}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for and print it. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=[*MEASURES, "all"], default="all")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size: does it work at all?")
    parser.add_argument("--json", action="store_true", help="print numbers only")
    parser.add_argument("--accounts", type=int, nargs="+", help="fan-out: numbers of accounts")
    parser.add_argument("--latency", type=int, nargs="+", help="fan-out: milliseconds of the exchange")
    parser.add_argument("--workers", type=int, default=2, help="worker processes")
    parser.add_argument("--concurrency", type=int, default=16, help="jobs at once in each")
    options = parser.parse_args(argv)
    console = Console(quiet=options.json)
    machine = facts()
    console.print("  ".join(f"[dim]{name}[/dim] {value}" for name, value in machine.items()))
    results: list[Result] = []
    try:
        with interruptible():
            for name in MEASURES if options.what == "all" else [options.what]:
                measured = MEASURES[name](options)
                for result in measured:
                    show(console, result)
                results += measured
    except KeyboardInterrupt:
        console.print("Stopped; everything it had started is stopped too.")
        return 130
    console.print(f"[dim]load at the end[/dim] {facts()['load']}")
    if options.json:
        print(to_json(machine, results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
