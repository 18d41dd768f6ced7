"""What a measurement says: rows of a figure, its baseline and the ratio; printed as tables or as JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

from bench.machine import Facts


@dataclass(frozen=True, slots=True)
class Figure:
    """One line. `aim` is what it should be at most: of the ratio when there is a baseline."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    aim: float | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.baseline if self.baseline else None

    @property
    def reached(self) -> bool | None:
        if self.aim is None:
            return None
        return (self.value if self.ratio is None else self.ratio) <= self.aim


@dataclass(slots=True)
class Result:
    """The table of one measurement."""

    title: str
    #: What the baseline is, in words.
    baseline: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self, name: str, value: float, unit: str, baseline: float | None = None, aim: float | None = None
    ) -> None:
        self.figures.append(Figure(name, value, unit, baseline, aim))


def show(console: Console, result: Result) -> None:
    """Print one table."""
    table = Table(title=result.title, title_justify="left", caption=f"Baseline: {result.baseline}")
    table.add_column("")
    for name in ("Portico", "unit", "baseline", "ratio", "aim", ""):
        table.add_column(name, justify="left" if name == "unit" else "right")
    for figure in result.figures:
        table.add_row(
            figure.name, _number(figure.value), figure.unit, _number(figure.baseline),
            f"{figure.ratio:.2f}×" if figure.ratio is not None else "",
            f"≤ {figure.aim:g}{'×' if figure.ratio is not None else ''}" if figure.aim is not None else "",
            {None: "", True: "[green]reached", False: "[red]missed"}[figure.reached],
        )  # fmt: skip
    console.print(table)
    for note in result.notes:
        console.print(f"  {note}")


def to_json(machine: Facts, results: Sequence[Result]) -> str:
    """Everything as one JSON object."""
    listed = []
    for result in results:
        figures = [
            asdict(figure) | {"ratio": figure.ratio, "reached": figure.reached} for figure in result.figures
        ]
        listed.append(asdict(result) | {"figures": figures})
    return json.dumps({"machine": machine, "results": listed}, indent=1)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie; of few values the nearest."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"
