"""One look at a locked position: which guards go, which are placed, or that all is proved. Joins what rests
with what is wanted; the network is not touched."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from portal.db import db, transaction, utcnow
from portal.exchanges.base import Capabilities
from portal.models import RESTING, ExecutionConnection, ExecutionPosition, Order
from portal.models.position import OVER
from portal.services import exits, intents, journal
from portal.services.intents import Draft, Intended
from portal.services.protection import due, rows
from portal.trading.guards import Ability, Guard, Resting, Steps, compare, wanted_guards
from portal.trading.instrument import Instrument
from portal.trading.types import MarketType, OrderRole, OrderType, PositionStatus, Protection


@dataclass(frozen=True, slots=True)
class Market:
    """What was read before the row was locked. `instrument` is None when the venue does not list it."""

    instrument: Instrument | None
    mark: Decimal | None
    venue: Capabilities


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next; nothing when there is nothing to do, or when it must wait."""

    place: tuple[Intended, ...] = ()
    cancel: frozenset[int] = field(default=frozenset())


_NOTHING = Step()


def next_step(position_id: int, market: Market, began_at: datetime) -> Step:
    """Decide and write down the next step for a position: new guards are committed as orders in flight.

    Two looks at once are harmless: the row lock lets one write, and the other sees what was written. What the
    price calls for now is asked for instead of a guard. Commits; may be repeated."""
    with transaction() as session:
        position = session.get(
            ExecutionPosition, position_id, with_for_update={"key_share": True}, populate_existing=True
        )
        if position is None or position.connection is None:
            return _NOTHING
        there = rows.live(position.id)
        if position.status in OVER:
            return Step(cancel=frozenset(order.id for order in there))
        if position.status is not PositionStatus.OPEN or position.close_reason is not None:
            return _NOTHING
        if rows.unclear(position.id):
            return _NOTHING
        if market.mark is not None and (exits.act(position, market.mark) or position.close_reason):
            return _NOTHING
        return _guard(position, position.connection, market, there, began_at)


def _guard(
    position: ExecutionPosition,
    connection: ExecutionConnection,
    market: Market,
    there: Sequence[Order],
    began_at: datetime,
) -> Step:
    if market.instrument is None:
        due.settle(position, Protection.LOCAL, f"{position.symbol} is not listed by the exchange any more")
        return _NOTHING
    can = _ability(position, connection, market.venue)
    exposure = exits.exposure_of(position)
    wanted = wanted_guards(replace(exposure, instrument=market.instrument), can) if exposure else ()
    steps = compare(wanted, rows.resting(list(there)), exclusive=can.exclusive)
    if steps.settled:
        _settle(position, steps.keep, there, can, began_at)
        return _NOTHING
    # A venue that refuses a second order beside the first is asked in the careful order, too.
    carefully = steps.cancel_first or position.guard_failures > 0
    if not steps.place and not carefully and any(each.in_doubt for each in steps.keep):
        return _NOTHING  # the old one stays until the new one is known to rest
    if steps.cancel and (carefully or not steps.place):
        return Step(cancel=frozenset(each.key for each in steps.cancel))
    if position.next_guard_at is not None and position.next_guard_at > utcnow():
        return _NOTHING
    return Step(place=_intend(position, connection, steps))


def _ability(position: ExecutionPosition, connection: ExecutionConnection, venue: Capabilities) -> Ability:
    """From the venue's table, from what was learnt about the account, and from what it refused before."""
    kind = position.market_type
    others = rows.siblings(position)
    for other in others:
        if any(order.target_place is not None for order in rows.live(other.id)):
            due.mark(other)  # its resting targets were placed while it was alone
    alone = kind is MarketType.SWAP and venue.reduce_only and not others
    return Ability(
        stop=kind in venue.guards and rows.stop_impossible(position.id) is None,
        targets=kind in venue.resting_targets,
        exclusive=alone,
        stop_needs_price=venue.stop_needs_price,
        position_mode=connection.position_mode,
        local_targets=frozenset(
            place for place, target in enumerate(position.tp_prices) if target.get("local")
        ),
    )


def _settle(
    position: ExecutionPosition,
    keep: Sequence[Resting],
    there: Sequence[Order],
    can: Ability,
    began_at: datetime,
) -> None:
    """Everything that is wanted rests. It counts once every guard was read back in this run."""
    kept = {each.key for each in keep}
    guards = [order for order in there if order.id in kept]
    if not all(_is_proved(order, began_at) for order in guards):
        return
    before = position.protection
    if any(order.role is OrderRole.STOP_LOSS for order in guards):
        due.settle(position, Protection.NATIVE, f"The stop rests at the exchange{_with_targets(guards)}")
    else:
        due.settle(position, Protection.LOCAL, _why_local(position, can))
    if before is not position.protection:
        journal.note("protected", f"{position.protection}: {position.protection_note}", position=position)


def _is_proved(order: Order, since: datetime) -> bool:
    return order.state in RESTING and order.proved_at is not None and order.proved_at >= since


def _with_targets(guards: Sequence[Order]) -> str:
    count = sum(order.role is OrderRole.TAKE_PROFIT for order in guards)
    return f", with {count} target{'s' if count > 1 else ''}" if count else ""


def _why_local(position: ExecutionPosition, can: Ability) -> str:
    if position.sl_price is None and not position.trails:
        return due.NO_STOP
    watched = "Portico watches the stop every minute"
    if position.sl_price is None:
        return f"{watched}; it begins to trail later"
    if not can.stop:
        why = rows.stop_impossible(position.id)
        return f"{watched}: {why or 'no stop may rest at this exchange'}"
    return f"{watched}: the position is too small or too large for a stop order of this exchange"


def _intend(
    position: ExecutionPosition, connection: ExecutionConnection, steps: Steps
) -> tuple[Intended, ...]:
    """T2 of guards: their rows in flight, under one new version. Does not commit."""
    position.guard_version += 1
    orders = [_freeze(position, connection, guard) for guard in steps.place]
    db.session.add_all(orders)
    db.session.flush()
    return tuple(Intended(order.id, intents.request_of(order)) for order in orders)


def _freeze(position: ExecutionPosition, connection: ExecutionConnection, guard: Guard) -> Order:
    leg = "sl" if guard.place is None else f"tp{guard.place}"
    order = intents.freeze(
        connection,
        Draft(
            intent_key=f"position-{position.id}:guard:{position.guard_version}:{leg}",
            role=guard.role,
            symbol=position.symbol,
            side=guard.side,
            position_side=position.position_side,
            order_type=OrderType.STOP,
            quantity=guard.quantity,
            price=guard.price,
            trigger_price=guard.trigger_price,
            reduce_only=guard.reduce_only,
            position_mode=connection.position_mode,
            reference_price=guard.trigger_price,
        ),
    )
    order.position_id, order.is_guard, order.target_place = position.id, True, guard.place
    return order
