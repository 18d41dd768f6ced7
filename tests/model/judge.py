"""Compares what the rows say with what the venue took. All that the promise is about is counted here."""

from collections import Counter
from dataclasses import dataclass

from tests.model.protocol import World
from tests.model.rows import IN_DOUBT, SETTLED, Execution, Order


@dataclass(frozen=True, slots=True)
class Verdict:
    """`duplicates`: orders that the venue took beyond the first for one intent. `ghosts`: orders that it took
    and that the rows deny. `lost`: what nobody works on any more and that is not settled. `kept`: orders in
    doubt at a venue that cannot prove anything, shown to a person."""

    duplicates: int
    ghosts: int
    lost: int
    kept: int

    @property
    def holds(self) -> bool:
        return not (self.duplicates or self.ghosts or self.lost)


def judge(world: World) -> Verdict:
    """At the end, when every message has arrived and nobody has anything to do."""
    kept = [order for order in world.rows.orders if order.state in IN_DOUBT]
    may_keep = world.venue.cell.routes == "open and fills"
    return Verdict(duplicates(world), ghosts(world), lost(world) + (0 if may_keep else len(kept)), len(kept))


def duplicates(world: World) -> int:
    """Exposure beyond what was asked for. An exit that ended unfilled is rightly followed by another."""
    rows = {order.client_order_id: order for order in world.rows.orders}
    entries: Counter[str] = Counter()
    exits: Counter[int] = Counter()
    for taken in world.venue.orders:
        leg = rows[taken.client_order_id].leg
        if isinstance(leg, Execution):
            entries[leg.key] += 1
        elif taken.life.fills:
            exits[leg.number] += 1
    return sum(count - 1 for count in (*entries.values(), *exits.values()))


def ghosts(world: World) -> int:
    disowned = ((order, order.disowned_at) for order in world.rows.orders if order.disowned_at is not None)
    return sum(is_ghost(world, order, at) for order, at in disowned)


def is_ghost(world: World, order: Order, disowned_at: float) -> bool:
    """Whether it exists after all. Where the rows say only that nothing of it is left, it may have ended
    unfilled before."""
    taken = world.venue.known(order.client_order_id)
    return any(order.never_taken or each.life.fills or each.ends_at > disowned_at for each in taken)


def lost(world: World) -> int:
    doubted = {id(order.leg) for order in world.rows.orders if order.state in IN_DOUBT}
    executions = world.rows.executions
    # What waits behind an order in doubt on the same symbol waits for the same person.
    first = min((one.number for one in executions if id(one) in doubted), default=len(executions))
    unsettled = [one for one in executions[:first] if one.status not in SETTLED]
    open_positions = [one for one in world.rows.positions if one.open and id(one) not in doubted]
    states = {order.client_order_id: order for order in world.rows.orders}
    unknown = 0
    for taken in world.venue.orders:
        order = states[taken.client_order_id]
        filled = taken.life.fills and order.state.value != "filled"
        unknown += filled and order.disowned_at is None and order.state not in IN_DOUBT
    return len(unsettled) + len(open_positions) + unknown
