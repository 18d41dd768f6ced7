"""Which of our positions a venue's foreign trades have closed, and what no trade explains. Pure.

Positions on one market are one number at the venue, so there is no true answer to whose part was sold: the
oldest position is closed first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from portal.trading.numbers import exact
from portal.trading.orders import FillReport
from portal.trading.pnl import SCALE
from portal.trading.reconcile import Held
from portal.trading.types import MarketType

_ZERO = Decimal(0)
#: Parts of one trade have its id with this and their number behind it; the first part keeps the id.
PART = "~"


@dataclass(frozen=True, slots=True)
class Share:
    """So much of a foreign trade closed this position."""

    position_id: int
    fill: FillReport


@dataclass(frozen=True, slots=True)
class Attribution:
    """What explains a shortage. `unexplained`: by position, what went without a trade."""

    shares: tuple[Share, ...]
    unexplained: tuple[tuple[int, Decimal], ...]


def attribute(
    missing: Decimal, held: Sequence[Held], fills: Iterable[FillReport], base: str = ""
) -> Attribution:
    """Spread `missing` over `held` (one subject): the newest closing trades explain it, as far as they reach,
    and the oldest positions bear it. A trade on one market explains only positions of that market. `fills`
    are trades that are not ours and not booked; others than closing ones are ignored.

    What is left unexplained below a lot is not worth a statement and is left out."""
    with exact():
        left = _Left(held)
        taken: list[FillReport] = []
        wanted = min(missing, sum((each.quantity for each in held), _ZERO))
        for fill in sorted(fills, key=_by_time, reverse=True):
            part = min(_taken_by(fill, held, base), wanted, left.reserve(fill))
            if part > 0:
                left.book(fill, part)
                taken.append(_cut(fill, part, base, held))
                wanted -= part
        shares = [share for fill in reversed(taken) for share in left.spread(fill, base, held)]
        lot = max((each.lot_size for each in held), default=_ZERO)
        silent = left.take(wanted) if wanted >= lot and wanted > 0 else ()
    return Attribution(tuple(shares), tuple(silent))


def _by_time(fill: FillReport) -> tuple[object, ...]:
    return (fill.filled_at, fill.exchange_fill_id)


def _on_spot(held: Sequence[Held]) -> bool:
    return bool(held) and held[0].subject.market_type is MarketType.SPOT


def _base_fee(fill: FillReport, base: str, held: Sequence[Held]) -> Decimal:
    """On spot a fee in the coin itself leaves the account with what was sold."""
    if not _on_spot(held):
        return _ZERO
    return sum((fee.cost for fee in fill.fees if fee.currency == base), _ZERO)


def _taken_by(fill: FillReport, held: Sequence[Held], base: str) -> Decimal:
    """How much of the position side a trade took out; nothing when it added to it."""
    if not held or fill.side is not held[0].subject.position_side.exit_side:
        return _ZERO
    return fill.quantity + _base_fee(fill, base, held)


def _cut(fill: FillReport, part: Decimal, base: str, held: Sequence[Held], number: int = 1) -> FillReport:
    """So much of a trade, with its part of the fees."""
    charged = _base_fee(fill, base, held)
    name = fill.exchange_fill_id if number == 1 else f"{fill.exchange_fill_id}{PART}{number}"
    if part == fill.quantity + charged:
        return replace(fill, exchange_fill_id=name)
    share = part / (fill.quantity + charged)
    fees = tuple(replace(fee, cost=_rounded(fee.cost * share)) for fee in fill.fees)
    quantity = part - _rounded(charged * share)
    return replace(fill, exchange_fill_id=name, quantity=quantity, fees=fees)


def _rounded(value: Decimal) -> Decimal:
    """As many digits as are stored."""
    return value.quantize(SCALE)


class _Left:
    """What is still there of our positions, oldest first."""

    def __init__(self, held: Sequence[Held]) -> None:
        self._held = sorted(held, key=lambda each: (each.opened_at, each.position_id))
        self._left = {each.position_id: each.quantity for each in self._held}
        self._reserved: dict[str, Decimal] = {}
        for each in self._held:
            self._reserved[each.symbol] = self._reserved.get(each.symbol, _ZERO) + each.quantity

    def reserve(self, fill: FillReport) -> Decimal:
        return self._reserved.get(fill.symbol, _ZERO)

    def book(self, fill: FillReport, part: Decimal) -> None:
        self._reserved[fill.symbol] -= part

    def spread(self, fill: FillReport, base: str, held: Sequence[Held]) -> list[Share]:
        """The positions that `fill` closed, each with its part of it."""
        wanted = fill.quantity + _base_fee(fill, base, held)
        parts = self._pick(wanted, [each for each in self._held if each.symbol == fill.symbol])
        if len(parts) == 1 and parts[0][1] == wanted:
            return [Share(parts[0][0], fill)]
        return [
            Share(position_id, _cut(fill, part, base, held, number))
            for number, (position_id, part) in enumerate(parts, start=1)
        ]

    def take(self, wanted: Decimal) -> tuple[tuple[int, Decimal], ...]:
        return tuple(self._pick(wanted, self._held))

    def _pick(self, wanted: Decimal, among: Iterable[Held]) -> list[tuple[int, Decimal]]:
        picked = []
        for each in among:
            part = min(wanted, self._left[each.position_id])
            if part > 0:
                picked.append((each.position_id, part))
                self._left[each.position_id] -= part
                wanted -= part
        return picked
