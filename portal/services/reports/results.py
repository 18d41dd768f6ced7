"""What was earned and lost: per day, and per connection, preset, market or source of signals."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa

from portal.db import db
from portal.models import ExecutionConnection, TradingPreset
from portal.services.reports.figures import Figures, Key, Sums, added
from portal.services.reports.scope import Scope

_ZERO = Decimal(0)
_NO_PRESET = "Built-in defaults"


class GroupBy(StrEnum):
    """What caused a result."""

    CONNECTION = "connection"
    PRESET = "preset"
    SYMBOL = "symbol"
    SOURCE = "source"

    @property
    def kind(self) -> str:
        """What has to be counted for it. A preset is found by its connections."""
        return "connection" if self is GroupBy.PRESET else self.value


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day. `result` is net of fees and funding."""

    date: dt.date
    trades: int
    wins: int
    result: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Result:
    """Closed positions together; money in the currency of the scope, net of fees and funding. Ratios are None
    where they are not defined."""

    name: str
    trades: int
    wins: int
    losses: int
    result: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    fees: Decimal
    #: Mean of the entries, positive = worse than the price that was assumed.
    slippage_bps: Decimal | None

    @property
    def win_rate(self) -> Decimal | None:
        """Percent."""
        return Decimal(100) * self.wins / self.trades if self.trades else None

    @property
    def profit_factor(self) -> Decimal | None:
        return self.gross_profit / self.gross_loss if self.gross_loss else None

    @property
    def expectancy(self) -> Decimal | None:
        """Result per closed position."""
        return self.result / self.trades if self.trades else None


def currencies(figures: Figures) -> list[str]:
    """Settlement currencies with closed positions, the busiest first."""
    found: Counter[str] = Counter()
    for key, sums in figures.results.items():
        found[key.currency] += sums.trades if key.kind == "day" else 0
    return sorted(found, key=lambda currency: (-found[currency], currency))


def by_day(figures: Figures, scope: Scope) -> list[Day]:
    """Every day of the period, oldest first, days without a trade too."""
    found = {key.name: sums for key, sums in _of(figures, scope, "day")}
    first = scope.since.date()
    dates = [first + dt.timedelta(days=number) for number in range(scope.days)]
    days = [(date, found.get(date.isoformat(), Sums())) for date in dates]
    return [Day(date, sums.trades, sums.wins, sums.result, sums.fees) for date, sums in days]


def total(figures: Figures, scope: Scope) -> Result:
    """Everything in the scope together."""
    return _result("", (sums for _key, sums in _of(figures, scope, "day")))


def grouped(figures: Figures, scope: Scope, group: GroupBy, limit: int = 50) -> list[Result]:
    """The `limit` busiest groups. Presets are those that the connections have now."""
    names = _presets() if group is GroupBy.PRESET else None
    parts: dict[str, list[Sums]] = defaultdict(list)
    for key, sums in _of(figures, scope, group.kind):
        parts[key.name if names is None else names.get(key.row_id, _NO_PRESET)].append(sums)
    rows = [_result(name, sums) for name, sums in parts.items()]
    return sorted(rows, key=lambda row: (-row.trades, row.name))[:limit]


def _of(figures: Figures, scope: Scope, kind: str) -> Iterator[tuple[Key, Sums]]:
    return (each for each in figures.results.items() if each[0][:2] == (scope.currency, kind))


def _result(name: str, parts: Iterable[Sums]) -> Result:
    sums = added(parts)
    slippage = sums.slippage / sums.entries if sums.entries else None
    return Result(name, *sums[:7], slippage_bps=slippage)


def _presets() -> dict[int | None, str]:
    """Names of presets by connection."""
    rows: Sequence[tuple[int | None, str]] = db.session.execute(
        sa.select(ExecutionConnection.id, TradingPreset.name).join(
            TradingPreset, TradingPreset.id == ExecutionConnection.preset_id
        )
    ).all()
    return dict(rows)


def added_up(days: Sequence[Day]) -> list[Decimal]:
    """The result so far, at the end of each day."""
    sums, so_far = [], _ZERO
    for day in days:
        so_far += day.result
        sums.append(so_far)
    return sums
