"""What one price means for one open position: close some of it, move its stop, or nothing. A pure decision.

Stop and trailing stop win over targets when both are reached at the same price: the worse exit is assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from portal.trading.exits import Target
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact
from portal.trading.types import ClosedReason, PositionSide

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """A position as the monitor stores it.

    `initial_quantity` is what it was opened with: close fractions count from it. `initial_sl_price` is the
    stop at the opening: the risk R is its distance from `average_entry`. `high_water` is the best mark
    price since the opening (the lowest for a short), None before the first look. `done` are the places
    (from 0) of targets already acted on. `trailed` is True when `sl_price` was last moved by the trailing
    stop.
    """

    instrument: Instrument
    position_side: PositionSide
    quantity: Decimal
    initial_quantity: Decimal
    average_entry: Decimal
    sl_price: Decimal | None = None
    initial_sl_price: Decimal | None = None
    targets: tuple[Target, ...] = ()
    done: frozenset[int] = frozenset()
    high_water: Decimal | None = None
    break_even_at_r: Decimal | None = None
    trailing_stop_percent: Decimal | None = None
    trailing_activation_percent: Decimal | None = None
    #: Instead of the percentages: distances in quote currency.
    trailing_stop_distance: Decimal | None = None
    trailing_activation_distance: Decimal | None = None
    trailed: bool = False
    #: What orders resting at the venue have closed for targets that are not done, by place.
    served: Mapping[int, Decimal] = field(default_factory=dict)

    @property
    def trails(self) -> bool:
        """Whether its stop follows the best price."""
        return self.trailing_stop_percent is not None or self.trailing_stop_distance is not None


@dataclass(frozen=True, slots=True)
class ExitDecision:
    """Close `quantity` for `reason` (zero and None: close nothing), and store the other values either way.

    `targets` are the places of the targets this close acts on; they become `done` when the close is recorded.
    """

    quantity: Decimal
    reason: ClosedReason | None
    targets: tuple[int, ...]
    sl_price: Decimal | None
    high_water: Decimal | None
    trailed: bool


@dataclass(frozen=True, slots=True)
class _Stop:
    price: Decimal | None
    trailed: bool


def evaluate(position: Exposure, mark: Decimal) -> ExitDecision | None:
    """What `mark` (above zero, fresh: the caller checks) calls for, or None when nothing changes.

    May be repeated: with the returned values stored, the same mark gives None unless a close is still due.
    """
    if position.quantity <= 0:
        return None
    with exact():
        high = _high_water(position, mark)
        stop = _moved_stop(position, mark, high)
        reached: tuple[int, ...] = ()
        quantity, reason = _NOTHING, None
        if stop.price is not None and not _beyond(position, mark, stop.price):
            quantity = position.quantity
            reason = ClosedReason.TRAILING if stop.trailed else ClosedReason.STOP_LOSS
        else:
            quantity, reached = _targets_reached(position, mark)
            reason = ClosedReason.TAKE_PROFIT if reached else None
    unchanged = (high, stop) == (position.high_water, _Stop(position.sl_price, position.trailed))
    if reason is None and unchanged:
        return None
    return ExitDecision(quantity, reason, reached, stop.price, high, stop.trailed)


def _beyond(position: Exposure, price: Decimal, other: Decimal) -> bool:
    """True when `price` is strictly better for the position than `other`."""
    return price > other if position.position_side is PositionSide.LONG else price < other


def _high_water(position: Exposure, mark: Decimal) -> Decimal | None:
    if not position.trails:
        return position.high_water
    best = position.high_water if position.high_water is not None else position.average_entry
    return mark if _beyond(position, mark, best) else best


def _moved_stop(position: Exposure, mark: Decimal, high: Decimal | None) -> _Stop:
    """The tightest of the stored stop, break-even and trailing. A stop never moves back."""
    stop = _Stop(position.sl_price, position.trailed)
    for price, trailed in ((_break_even(position, mark), False), (_trailing(position, high), True)):
        if price is not None and (stop.price is None or _beyond(position, price, stop.price)):
            stop = _Stop(price, trailed)
    return stop


def _break_even(position: Exposure, mark: Decimal) -> Decimal | None:
    """The entry, once the gain is `break_even_at_r` times the risk."""
    if position.break_even_at_r is None or position.initial_sl_price is None:
        return None
    risk = abs(position.average_entry - position.initial_sl_price)
    gain = (mark - position.average_entry) * position.position_side.sign
    if risk == 0 or gain < position.break_even_at_r * risk:
        return None
    on_tick = position.instrument.round_price(position.average_entry, position.position_side.exit_side)
    # A tick coarser than the gain would put the stop at or beyond the market and close a winning position.
    return on_tick if _beyond(position, mark, on_tick) else None


def _trailing(position: Exposure, high: Decimal | None) -> Decimal | None:
    """Percentage or distance behind the best price, once that was percentage or distance of the activation
    above the entry."""
    if not position.trails or high is None:
        return None
    sign, entry = position.position_side.sign, position.average_entry
    begins = position.trailing_activation_distance
    if begins is None:
        begins = entry * (position.trailing_activation_percent or 0) / 100
    if (high - entry) * sign < begins:
        return None
    distance = position.trailing_stop_distance
    if distance is None:
        distance = high * (position.trailing_stop_percent or 0) / 100
    # Rounded away from the market: a stop that trails by less than a tick must not close at once.
    behind = position.instrument.round_price(high - sign * distance, position.position_side.entry_side)
    # A distance as large as the price is no stop.
    return behind if behind > 0 else None


def _targets_reached(position: Exposure, mark: Decimal) -> tuple[Decimal, tuple[int, ...]]:
    """How much the newly reached targets close, and their places. Together less than a lot: they wait for
    the next.

    Once all fractions are used up everything that is left is closed, and so is a rest that could not be
    sold alone.
    """
    reached = tuple(
        place
        for place, target in enumerate(position.targets)
        if place not in position.done and not _beyond(position, target.price, mark)
    )
    if not reached:
        return _NOTHING, ()
    spent = sum((position.targets[place].close_fraction for place in position.done | set(reached)), _NOTHING)
    if spent >= 1:
        return position.quantity, reached
    fraction = sum((position.targets[place].close_fraction for place in reached), _NOTHING)
    served = sum((position.served.get(place, _NOTHING) for place in reached), _NOTHING)
    part = position.instrument.floor_quantity(position.initial_quantity * fraction) - served
    if part <= 0:
        return _NOTHING, ()
    smallest = max(position.instrument.lot_size, position.instrument.min_quantity or _NOTHING)
    return (position.quantity if position.quantity - part < smallest else part), reached
