"""The figures of a period. Finished days of all accounts together come from blocks; what no block covers is
counted. Either way the figures are the same. Reads only."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator

from portal.services.reports import blocks, count_quality, count_results
from portal.services.reports.blocks import Span
from portal.services.reports.count_results import KINDS
from portal.services.reports.figures import Figures
from portal.services.reports.stretch import Stretch, midnight


def counted(stretch: Stretch, kinds: Collection[str] = KINDS) -> Figures:
    """Everything that happened in it, results by these kinds, from the rows themselves."""
    times, latencies = count_quality.times(stretch)
    bars = {"latency": latencies, "slippage": count_quality.slippages(stretch)}
    return Figures(count_results.results(stretch, kinds), count_quality.endings(stretch), times, bars)


def figures(owner_id: int | None, since: dt.date, kinds: Collection[str] = KINDS) -> Figures:
    """Everything from this day on, in all currencies, results by these kinds. `owner_id` None: everybody's
    accounts."""
    if owner_id is not None:
        return counted(Stretch(owner_id, midnight(since)), kinds)
    known, whole = blocks.read(blocks.covering(blocks.sound(), since), kinds)
    for gap in _gaps(since, known):
        whole.add(counted(gap, kinds))
    return whole


def _gaps(since: dt.date, known: Iterable[Span]) -> Iterator[Stretch]:
    """What lies before, between and after blocks."""
    for span in known:
        if since < span.first:
            yield Stretch.of_days(since, span.first)
        since = span.end
    yield Stretch(None, midnight(since))
