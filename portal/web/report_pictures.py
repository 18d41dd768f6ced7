"""The charts of an analytics page, each with words for every point."""

from collections.abc import Sequence
from decimal import Decimal

from markupsafe import Markup

from portal.services.reports import count_quality, equity, quality, results
from portal.services.reports.equity import Worth
from portal.services.reports.figures import Figures
from portal.services.reports.results import Day
from portal.services.reports.scope import Scope
from portal.web import charts
from portal.web.formatting import plain_number


def of(scope: Scope, figures: Figures, days: Sequence[Day]) -> dict[str, Markup]:
    """Every chart by the name that the template knows; empty where there is nothing to draw."""
    worth = equity.curve(scope)
    return {
        **_results(days, scope.currency),
        **_worth(worth, scope.currency),
        "latency_chart": _histogram(
            quality.latencies(figures), count_quality.LATENCY_MS, "ms", "Time from publication to answer"
        ),
        "slippage_chart": _histogram(
            quality.slippages(figures),
            count_quality.SLIPPAGE_BPS,
            "bps",
            "Slippage of entries in basis points",
        ),
    }  # fmt: skip


def _results(days: Sequence[Day], unit: str) -> dict[str, Markup]:
    sums = results.added_up(days)
    told = [f"{day.date:%d %b}: {_two(day.result)} {unit}, {day.trades} closed" for day in days]
    so_far = [f"{day.date:%d %b}: {_two(value)} {unit}" for day, value in zip(days, sums, strict=True)]
    tone = "loss" if sums[-1] < 0 else ""
    return {
        "daily_chart": charts.bars(
            [day.result for day in days], told, f"Result of each day in {unit}", scale=_two
        ),
        "sum_chart": charts.line(
            sums if any(day.trades for day in days) else [],
            so_far,
            f"Result so far in {unit}",
            scale=_two,
            tone=tone,
        ),
    }


def _worth(worth: Sequence[Worth], unit: str) -> dict[str, Markup]:
    fallen = equity.drawdowns(worth)
    told = [f"{each.date:%d %b}: {_two(each.equity)} {unit} on {each.accounts} accounts" for each in worth]
    below = [f"{each.date:%d %b}: {_two(value)} %" for each, value in zip(worth, fallen, strict=True)]
    title = "Percent below the highest equity"
    return {
        "equity_chart": charts.line([each.equity for each in worth], told, f"Equity in {unit}", scale=_two),
        "drawdown_chart": charts.line(fallen if any(fallen) else [], below, title, scale=_two, tone="loss"),
    }


def _histogram(counts: Sequence[int], ends: Sequence[int], unit: str, title: str) -> Markup:
    labels = [f"{count} {_between(place, ends)} {unit}" for place, count in enumerate(counts)]
    return charts.bars(counts, labels, title, scale=plain_number)


def _between(place: int, ends: Sequence[int]) -> str:
    if place == 0:
        return f"up to {ends[0]}"
    if place == len(ends):
        return f"above {ends[-1]}"
    return f"from {ends[place - 1]} to {ends[place]}"


def _two(value: Decimal) -> str:
    return plain_number(value.quantize(Decimal("0.01")))
