"""What a position holds and has earned, from its fills alone.

Average cost: fills are taken in the order of their time; a fill in the direction of the position moves the
average entry, one against it realizes the difference and leaves the average alone. A position that was
closed starts anew. Linear profit is q * k * (exit - entry) in quote currency, inverse profit q * k *
(1/entry - 1/exit) in base currency.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from portal.trading.instrument import Instrument
from portal.trading.numbers import exact, plain
from portal.trading.orders import Fee, FillReport
from portal.trading.types import MarketType, PositionSide, Side

SCALE = Decimal("1E-18")
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Book:
    """One position, as its fills tell it. All money is in `instrument.cash_currency`, rounded to 18 decimals.

    `quantity` is what is held, net of fees taken in base currency on spot; negative when more was closed
    than held. `realized_pnl` is net of `fees` and includes `funding`. `average_entry` is that of the
    quantity still held, or of what was held last. `other_fees` are fees in third currencies that came without
    a rate: they are in no other number.
    """

    instrument: Instrument
    position_side: PositionSide
    quantity: Decimal
    average_entry: Decimal | None
    average_exit: Decimal | None
    entered_quantity: Decimal
    exited_quantity: Decimal
    realized_pnl: Decimal
    fees: Decimal
    funding: Decimal
    other_fees: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def oversold(self) -> Decimal:
        """How much more was closed than was held: an alarm, never hidden."""
        return max(-self.quantity, _ZERO)

    def unrealized_pnl(self, mark_price: Decimal) -> Decimal:
        """Before the fees of closing."""
        if not self.quantity or self.average_entry is None:
            return _ZERO
        with exact():
            signed = self.quantity * self.position_side.sign
            return _rounded(_profit(self.instrument, signed, self.average_entry, mark_price))


def build_book(
    fills: Iterable[FillReport],
    instrument: Instrument,
    position_side: PositionSide,
    *,
    funding: Iterable[Decimal] = (),
    rates: Mapping[str, Decimal] | None = None,
) -> Book:
    """The book of `fills`, which may come in any order and more than once: `exchange_fill_id` drops repeats.

    `funding` are cash flows, positive when received. `rates` says how much cash one unit of a third
    currency is worth where the fee itself does not.
    """
    unique = {fill.exchange_fill_id: fill for fill in fills}
    with exact():
        ledger = _Ledger(instrument, position_side, dict(rates or {}))
        for fill in sorted(unique.values(), key=ledger.order):
            ledger.add(fill)
        return ledger.book(sum(funding, _ZERO))


@dataclass(slots=True)
class _Ledger:
    instrument: Instrument
    position_side: PositionSide
    rates: dict[str, Decimal]
    net: Decimal = _ZERO
    average: Decimal | None = None
    gross: Decimal = _ZERO
    fees: Decimal = _ZERO
    other_fees: dict[str, Decimal] = field(default_factory=dict)
    # Per side: quantity, and the sum over which the average price is taken.
    traded: dict[Side, Decimal] = field(default_factory=lambda: dict.fromkeys(Side, _ZERO))
    weighed: dict[Side, Decimal] = field(default_factory=lambda: dict.fromkeys(Side, _ZERO))

    def order(self, fill: FillReport) -> tuple[object, ...]:
        """By time; entries before exits of the same instant, so that a position is not sold before it is
        bought."""
        return (fill.filled_at, fill.side is not self.position_side.entry_side, fill.exchange_fill_id)

    def add(self, fill: FillReport) -> None:
        change = fill.quantity if fill.side is Side.BUY else -fill.quantity
        for fee in fill.fees:
            change -= self._charge(fee, fill.price)
        self.traded[fill.side] += fill.quantity
        self.weighed[fill.side] += fill.quantity * self._weight(fill.price)
        self._trade(change, fill.price)

    def _charge(self, fee: Fee, price: Decimal) -> Decimal:
        """Book one fee; returns how much base currency it took out of the position."""
        instrument = self.instrument
        if fee.currency == instrument.cash_currency:
            self.fees += fee.cost
        elif fee.currency == instrument.base and instrument.linear:
            # On spot the fee comes out of what was bought; its worth is what it would have fetched.
            self.fees += fee.cost * price
            return fee.cost if instrument.market_type is MarketType.SPOT else _ZERO
        elif (rate := fee.rate if fee.rate is not None else self.rates.get(fee.currency)) is not None:
            self.fees += fee.cost * rate
        else:
            self.other_fees[fee.currency] = self.other_fees.get(fee.currency, _ZERO) + fee.cost
        return _ZERO

    def _trade(self, change: Decimal, price: Decimal) -> None:
        if self.net * change < 0 and self.average is not None:
            closed = -change if abs(change) <= abs(self.net) else self.net
            self.gross += _profit(self.instrument, closed, self.average, price)
            self.net -= closed
            change += closed
        if not change:
            return
        if not self.net or self.average is None:
            self.average = price
        else:
            self.average = self._mean(self.net, self.average, change, price)
        self.net += change

    def _mean(self, held: Decimal, average: Decimal, change: Decimal, price: Decimal) -> Decimal:
        total = held * self._weight(average) + change * self._weight(price)
        return self._weight(total / (held + change))

    def _weight(self, price: Decimal) -> Decimal:
        """Inverse contracts are worth a fixed sum of quote currency, so their prices average harmonically."""
        return price if self.instrument.linear else 1 / price

    def book(self, funding: Decimal) -> Book:
        entry = self.position_side.entry_side
        average = None if self.average is None else _rounded(self.average)
        return Book(
            instrument=self.instrument,
            position_side=self.position_side,
            quantity=plain(self.net * self.position_side.sign),
            average_entry=average,
            average_exit=self._average_price(entry.opposite),
            entered_quantity=plain(self.traded[entry]),
            exited_quantity=plain(self.traded[entry.opposite]),
            realized_pnl=_rounded(self.gross - self.fees + funding),
            fees=_rounded(self.fees),
            funding=_rounded(funding),
            other_fees=dict(self.other_fees),
        )

    def _average_price(self, side: Side) -> Decimal | None:
        if not self.traded[side]:
            return None
        return _rounded(self._weight(self.weighed[side] / self.traded[side]))


def _profit(instrument: Instrument, signed: Decimal, entry: Decimal, exit_price: Decimal) -> Decimal:
    if instrument.linear:
        return signed * instrument.contract_size * (exit_price - entry)
    return signed * instrument.contract_size * (exit_price - entry) / (entry * exit_price)


def _rounded(value: Decimal) -> Decimal:
    return plain(value.quantize(SCALE, rounding=ROUND_HALF_EVEN))
