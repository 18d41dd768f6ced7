"""What is counted for a report, in a form that adds up: the figures of two stretches of days together are
those of the longer one, to the last digit. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import NamedTuple

#: Digits of a sum: more than PostgreSQL's longest, so that nothing is rounded.
_DIGITS = 200
_ZERO = Decimal(0)


class Key(NamedTuple):
    """Whose results: in which currency, added up by what, its name, and its row where there is one."""

    currency: str
    kind: str
    name: str
    row_id: int | None


class Sums(NamedTuple):
    """Closed positions together; money net of fees and funding."""

    trades: int = 0
    wins: int = 0
    losses: int = 0
    result: Decimal = _ZERO
    gross_profit: Decimal = _ZERO
    gross_loss: Decimal = _ZERO
    fees: Decimal = _ZERO
    #: Basis points by which entries were worse than assumed, of so many entries.
    slippage: Decimal = _ZERO
    entries: int = 0

    def plus(self, other: "Sums") -> "Sums":
        """Both together; to be called where nothing is rounded."""
        return Sums(
            self.trades + other.trades, self.wins + other.wins, self.losses + other.losses,
            self.result + other.result, self.gross_profit + other.gross_profit,
            self.gross_loss + other.gross_loss, self.fees + other.fees,
            self.slippage + other.slippage, self.entries + other.entries,
        )  # fmt: skip


@dataclass(slots=True)
class Figures:
    """Some days of some accounts."""

    results: dict[Key, Sums] = field(default_factory=dict)
    #: By status and code: how many executions, and one of their messages.
    endings: dict[tuple[str, str | None], tuple[int, str]] = field(default_factory=dict)
    #: By step: how many executions took so many whole milliseconds.
    times: dict[str, Counter[int]] = field(default_factory=dict)
    #: By histogram: how many are in which bar.
    bars: dict[str, Counter[int]] = field(default_factory=dict)

    def add(self, other: "Figures") -> None:
        """Count these days too."""
        with localcontext(prec=_DIGITS):
            for key, sums in other.results.items():
                self.results[key] = self.results[key].plus(sums) if key in self.results else sums
        for ending, (count, example) in other.endings.items():
            so_far, another = self.endings.get(ending, (0, ""))
            self.endings[ending] = (so_far + count, max(another, example))
        for mine, theirs in ((self.times, other.times), (self.bars, other.bars)):
            for name, counts in theirs.items():
                mine.setdefault(name, Counter()).update(counts)


def together(parts: Iterable[Figures]) -> Figures:
    """All of them added up."""
    whole = Figures()
    for part in parts:
        whole.add(part)
    return whole


def added(parts: Iterable[Sums]) -> Sums:
    """All of them together."""
    whole = Sums()
    with localcontext(prec=_DIGITS):
        for part in parts:
            whole = whole.plus(part)
    return whole
