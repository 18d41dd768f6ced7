"""How well signals were carried out: what became of them, how fast, how far from the assumed price. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.services.reports.count_quality import LATENCY_MS, SLIPPAGE_BPS, STEPS
from portal.services.reports.figures import Figures
from portal.trading.types import ExecutionStatus

#: Outcomes that came with a reason.
_REFUSED = (
    ExecutionStatus.DENIED,
    ExecutionStatus.REJECTED,
    ExecutionStatus.NOT_PLACED,
    ExecutionStatus.EXPIRED,
)


@dataclass(frozen=True, slots=True)
class Step:
    """Milliseconds of one step (or `total`: publication to the exchange's answer)."""

    name: str
    count: int
    p50: int
    p90: int
    p99: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason why signals were not carried out. `example` is one of its sentences."""

    code: str
    count: int
    example: str


def outcomes(figures: Figures) -> list[tuple[ExecutionStatus, int]]:
    """Executions by status, the most frequent first. Of all currencies: what was never placed has none."""
    found: Counter[ExecutionStatus] = Counter()
    for (status, _code), (count, _example) in figures.endings.items():
        found[ExecutionStatus(status)] += count
    return sorted(found.items(), key=lambda each: (-each[1], each[0]))


def refusals(figures: Figures, limit: int = 8) -> list[Refusal]:
    """Why executions were denied, rejected or not placed, the most frequent reasons first."""
    found: dict[str, Refusal] = {}
    for (status, code), (count, example) in figures.endings.items():
        if code is not None and status in _REFUSED:
            known = found.get(code, Refusal(code, 0, ""))
            found[code] = Refusal(code, known.count + count, max(known.example, example))
    return sorted(found.values(), key=lambda each: (-each.count, each.code))[:limit]


def steps(times: Mapping[str, Counter[int]]) -> list[Step]:
    """Percentiles of each step, in the order in which they happen; steps that never happened are left out."""
    named = ((name, times[name]) for name, _start, _end in STEPS if times.get(name))
    return [
        Step(name, counts.total(), *(_percentile(counts, percent) for percent in (50, 90, 99)))
        for name, counts in named
    ]


def latencies(figures: Figures) -> list[int]:
    """How many executions the exchange answered within each of `LATENCY_MS` (and later), from the commit of
    the publication."""
    return _bars(figures, "latency", LATENCY_MS)


def slippages(figures: Figures) -> list[int]:
    """How many filled entries were how many basis points worse (negative: better) than assumed: up to each of
    `SLIPPAGE_BPS`, and more."""
    return _bars(figures, "slippage", SLIPPAGE_BPS)


def _bars(figures: Figures, name: str, ends: Sequence[int]) -> list[int]:
    counts = figures.bars.get(name, Counter())
    return [counts[place] for place in range(len(ends) + 1)]


def _percentile(counts: Counter[int], percent: int) -> int:
    """The smallest value that so many percent of all do not exceed."""
    left = -(-counts.total() * percent // 100)
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            break
    return value
