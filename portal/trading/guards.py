"""Which orders shall rest at the venue to guard a position, and what that means for those that rest there
now. A pure decision; placing, canceling and proving are done elsewhere."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from portal.trading.direction import exit_leg
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact
from portal.trading.prices import worst_price
from portal.trading.types import MarketType, OrderRole, PositionMode, Side
from portal.trading.watch import Exposure

_NOTHING = Decimal(0)
#: How far beyond its trigger a stop may fill on venues that take stops with a limit only: it must get out.
_STOP_SLIPPAGE_BPS = Decimal(500)


@dataclass(frozen=True, slots=True)
class Ability:
    """What may be asked of the venue for one position.

    `exclusive`: a resting order can shrink this very position and nothing else, because it is reduce-only and
    no other position of ours shares the symbol and the side. Without it two resting orders could sell the
    same thing twice, so there is one stop and no resting target."""

    stop: bool
    targets: bool = False
    exclusive: bool = False
    #: Stops exist with a limit price only.
    stop_needs_price: bool = False
    position_mode: PositionMode = PositionMode.ONE_WAY
    #: Places of targets that the venue refused before: they are watched by us.
    local_targets: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Guard:
    """One order that rests until a price is reached. `place` is the target's, None for the stop."""

    role: OrderRole
    place: int | None
    side: Side
    quantity: Decimal
    trigger_price: Decimal
    price: Decimal | None
    reduce_only: bool


@dataclass(frozen=True, slots=True)
class Resting:
    """A guard that rests at the venue, or may do so. `guard.quantity` is what it can still close."""

    key: int
    guard: Guard
    #: Nobody knows whether it exists.
    in_doubt: bool = False


@dataclass(frozen=True, slots=True)
class Steps:
    """What turns the resting guards into the wanted ones. With `cancel_first` nothing may be placed before
    every guard in `cancel` is known to be gone."""

    keep: tuple[Resting, ...]
    cancel: tuple[Resting, ...]
    place: tuple[Guard, ...]
    cancel_first: bool

    @property
    def settled(self) -> bool:
        return not self.cancel and not self.place


@dataclass(slots=True)
class _Left:
    """What of a position no target has been given yet."""

    instrument: Instrument
    quantity: Decimal
    smallest: Decimal = field(init=False)

    def __post_init__(self) -> None:
        self.smallest = _smallest(self.instrument)

    def take(self, wanted: Decimal) -> Decimal:
        """At most `wanted`, all when what stayed could not be sold alone; zero when it is too little."""
        part = self.instrument.floor_quantity(min(wanted, self.quantity))
        if part < self.smallest:
            return _NOTHING
        if self.quantity - part < self.smallest:
            part = self.quantity
        self.quantity -= part
        return part


def wanted_guards(position: Exposure, can: Ability) -> tuple[Guard, ...]:
    """The stop for everything that is held, and a part for each target that is not done.

    Nothing that the venue would refuse for its size: such a rest is watched locally."""
    with exact():
        held = position.instrument.floor_quantity(position.quantity)
        if not _closable(position.instrument, held):
            return ()
        stop = _stop(position, can, held)
        targets = tuple(_targets(position, can, held))
        return ((stop,) if stop is not None else ()) + targets


def compare(wanted: Sequence[Guard], there: Sequence[Resting], *, exclusive: bool) -> Steps:
    """Keep what matches, cancel the rest, place what is missing. One guard is kept for each that is wanted:
    a double is canceled."""
    missing = list(wanted)
    keep, cancel = [], []
    for each in sorted(there, key=lambda resting: resting.in_doubt):
        if each.guard in missing:
            missing.remove(each.guard)
            keep.append(each)
        else:
            cancel.append(each)
    return Steps(tuple(keep), tuple(cancel), tuple(missing), cancel_first=not exclusive)


def _smallest(instrument: Instrument) -> Decimal:
    return max(instrument.lot_size, instrument.min_quantity or _NOTHING)


def _closable(instrument: Instrument, held: Decimal) -> bool:
    if held < _smallest(instrument):
        return False
    return instrument.max_quantity is None or held <= instrument.max_quantity


def _worth_it(guard: Guard, instrument: Instrument) -> bool:
    """Spot venues refuse what is worth too little; reduce-only orders are exempt."""
    if guard.reduce_only or instrument.min_notional is None:
        return True
    return instrument.notional(guard.quantity, guard.price or guard.trigger_price) >= instrument.min_notional


def _stop(position: Exposure, can: Ability, held: Decimal) -> Guard | None:
    if not can.stop or position.sl_price is None:
        return None
    instrument = position.instrument
    leg = exit_leg(position.position_side, instrument.market_type, can.position_mode)
    price = None
    if can.stop_needs_price:
        price = worst_price(position.sl_price, leg.side, _STOP_SLIPPAGE_BPS, instrument)
    guard = Guard(
        OrderRole.STOP_LOSS, None, leg.side, held, position.sl_price, price, reduce_only=leg.reduce_only
    )
    return guard if _worth_it(guard, instrument) else None


def _targets(position: Exposure, can: Ability, held: Decimal) -> Iterator[Guard]:
    instrument = position.instrument
    if not (can.targets and can.exclusive and instrument.market_type is MarketType.SWAP):
        return
    leg = exit_leg(position.position_side, instrument.market_type, can.position_mode)
    left = _Left(instrument, held)
    spent = sum((position.targets[place].close_fraction for place in position.done), _NOTHING)
    for place, target in enumerate(position.targets):
        if place in position.done:
            continue
        spent += target.close_fraction
        share = instrument.floor_quantity(position.initial_quantity * target.close_fraction)
        part = left.take(left.quantity if spent >= 1 else share - position.served.get(place, _NOTHING))
        if part > 0 and place not in can.local_targets:
            yield Guard(
                OrderRole.TAKE_PROFIT, place, leg.side, part, target.price, None, reduce_only=leg.reduce_only
            )
