"""`python -m tests.model --trials 1000000 --seed S`: the order protocol against an exchange that loses,
delays and hides, on all kinds of venues. `--replay CLASS:NUMBER` tells the story of one trial."""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from portal.trading.types import ExecutionStatus
from tests.model.rules import REAL, WRONG
from tests.model.trials import CELLS, Cell, Tally, run_trial, run_trials

_BATCH = 5_000
_HEAD = (
    f"{'venue':<18} {'trials':>9} {'duplicates':>10} {'ghosts':>7} {'lost':>5} {'placed':>8} {'again':>7}"
    f" {'not placed':>10} {'for a person':>12} {'found p50/p99 s':>16} {'absent p50/p99 s':>17}"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the promise held in every trial, 1 when not."""
    options = _parser().parse_args(arguments)
    seed = options.seed if options.seed is not None else secrets.randbelow(10**9)
    if options.replay:
        return _replay(seed, options.replay, options.wrong)
    print(f"seed {seed}, {options.trials} trials over {len(CELLS)} kinds of venues\n{_HEAD}")
    started = time.monotonic()
    tallies = _run(seed, options.trials // len(CELLS), options.processes, options.wrong)
    for cell, tally in tallies.items():
        print(_line(cell, tally))
    seconds = time.monotonic() - started
    total = Tally()
    for tally in tallies.values():
        total.merge(tally)
    print(
        f"{total.duplicates} duplicates, {total.ghosts} ghosts, {total.lost} lost in {total.trials} trials;"
    )
    print(f"{total.trials / seconds:,.0f} trials a second, {seconds:.0f} s")
    for cell, tally in tallies.items():
        for number in tally.broken:
            wrong = f" --wrong '{options.wrong}'" if options.wrong else ""
            print(f"broken: python -m tests.model --seed {seed} --replay '{_name(cell)}:{number}'{wrong}")
    return 0 if total.holds else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000, help="over all kinds of venues together")
    parser.add_argument("--seed", type=int, help="default: a fresh one, which is printed")
    parser.add_argument("--processes", type=int, default=1, help=f"at most {os.cpu_count()} help here")
    parser.add_argument("--replay", metavar="CLASS:NUMBER", help="tell the story of one trial")
    parser.add_argument("--wrong", choices=sorted(WRONG), help="with one rule wrong, to see it fail")
    return parser


def _name(cell: Cell) -> str:
    return f"{cell.identity} {'window' if cell.window else 'no window'}"


def _run(seed: int, per_cell: int, processes: int, wrong: str | None) -> dict[Cell, Tally]:
    tallies = {cell: Tally() for cell in CELLS}
    batches = [
        (seed, range(start, min(start + _BATCH, per_cell)), cell, wrong)
        for cell in CELLS
        for start in range(0, per_cell, _BATCH)
    ]
    for (_, _, cell, _), tally in zip(batches, _results(batches, processes), strict=True):
        tallies[cell].merge(tally)
    return tallies


def _results(batches: list[tuple[int, range, Cell, str | None]], processes: int) -> Iterator[Tally]:
    if processes <= 1:
        yield from map(_batch, batches)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(_batch, batches)


def _batch(batch: tuple[int, range, Cell, str | None]) -> Tally:
    seed, numbers, cell, wrong = batch
    return run_trials(seed, numbers, cell, WRONG[wrong] if wrong else REAL)


def _line(cell: Cell, tally: Tally) -> str:
    ended = tally.outcomes
    placed = sum(ended[status] for status in (ExecutionStatus.FILLED, ExecutionStatus.CANCELED))
    not_placed = 100 * ended[ExecutionStatus.NOT_PLACED] / max(tally.trials, 1)
    return (
        f"{_name(cell):<18} {tally.trials:>9} {tally.duplicates:>10} {tally.ghosts:>7} {tally.lost:>5}"
        f" {placed:>8} {tally.resent:>7} {not_placed:>9.2f}% {tally.kept:>12}"
        f" {_quantiles(tally.found_after):>16} {_quantiles(tally.absent_after):>17}"
    )


def _quantiles(seconds: list[float]) -> str:
    if not seconds:
        return "-"
    ordered = sorted(seconds)
    return f"{ordered[len(ordered) // 2]:.1f} / {ordered[len(ordered) * 99 // 100]:.1f}"


def _replay(seed: int, which: str, wrong: str | None) -> int:
    name, _, number = which.rpartition(":")
    cells = {_name(cell): cell for cell in CELLS}
    story: list[str] = []
    _, verdict = run_trial(seed, int(number), cells[name], WRONG[wrong] if wrong else REAL, trace=story)
    print("\n".join([*story, str(verdict)]))
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main())
