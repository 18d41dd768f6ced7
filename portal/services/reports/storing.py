"""Figures as JSON and back, without losing a digit. Pure."""

from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from portal.db import JsonDict
from portal.services.reports.figures import Figures, Key, Sums


def to_json(figures: Figures) -> JsonDict:
    """What `from_json` reads."""
    results: dict[str, list[Any]] = {}
    for key, sums in figures.results.items():
        row = [key.currency, key.name, key.row_id, *(_plain(value) for value in sums)]
        results.setdefault(key.kind, []).append(row)
    return {
        # By columns: a list for each row would be work for the garbage collector.
        "results": {kind: [*zip(*rows, strict=True)] for kind, rows in results.items()},
        "endings": [[*ending, *counted] for ending, counted in figures.endings.items()],
        "times": _lists(figures.times),
        "bars": _lists(figures.bars),
    }


def from_json(data: Mapping[str, Any], kinds: Collection[str]) -> Figures:
    """The figures, with the results of these kinds."""
    results = {
        Key(currency, kind, name, row_id): _sums(values)
        for kind in kinds
        for currency, name, row_id, *values in zip(*data["results"].get(kind, ()), strict=True)
    }
    endings = {(status, code): (count, example) for status, code, count, example in data["endings"]}
    return Figures(results, endings, _counters(data["times"]), _counters(data["bars"]))


def _sums(values: list[Any]) -> Sums:
    trades, wins, losses, result, profit, loss, fees, slippage, entries = values
    return Sums(
        trades, wins, losses, Decimal(result), Decimal(profit), Decimal(loss), Decimal(fees),
        Decimal(slippage), entries,
    )  # fmt: skip


def _plain(value: int | Decimal) -> int | str:
    """Zeros behind the last digit would be half of a block."""
    if isinstance(value, int):
        return value
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _lists(counted: Mapping[str, Counter[int]]) -> dict[str, list[list[int]]]:
    return {name: [list(counts), list(counts.values())] for name, counts in counted.items()}


def _counters(data: Mapping[str, list[list[int]]]) -> dict[str, Counter[int]]:
    return {name: Counter(dict(zip(values, counts, strict=True))) for name, (values, counts) in data.items()}
