"""An order as a preview shows it, with the protection it would have and what it would wait for. Reads the
database at most."""

import sqlalchemy as sa

from portal.db import db
from portal.exchanges.base import Capabilities
from portal.models import UNSETTLED, Execution, ExecutionConnection, ExecutionPosition, Order
from portal.services.books_of import instrument_of
from portal.services.previews.answers import Sketch
from portal.services.reconciliation import standing
from portal.trading.guards import Ability, wanted_guards
from portal.trading.planning import EntryPlan
from portal.trading.preset import PresetRules
from portal.trading.types import MarketType, OrderRole, OrderState, OrderType, PositionMode
from portal.trading.watch import Exposure

_COMPARED_FIRST = "The account is compared with its exchange before the order; what that finds may stop it."
_IN_DOUBT = "An order on this symbol is in doubt; the entry waits until it is settled."
_EARLIER = "An earlier signal on this symbol is not settled; this one waits for it."


def entry(plan: EntryPlan, rules: PresetRules, venue: Capabilities, mode: PositionMode) -> Sketch:
    """The entry that would be sent."""
    protection, guard = _protection(plan, rules, venue, mode)
    return Sketch(
        symbol=plan.instrument.symbol,
        side=plan.leg.side.value,
        order_type=plan.order_type.value,
        time_in_force=plan.time_in_force.value,
        quantity=plan.quantity,
        unit=plan.instrument.unit,
        notional=plan.notional,
        currency=plan.instrument.quote,
        price=plan.price,
        trigger_price=plan.trigger_price,
        reference_price=plan.reference_price,
        sl_price=plan.sl_price,
        targets=tuple(target.price for target in plan.targets),
        protection=protection,
        guard=guard,
    )


def close(position: ExecutionPosition) -> Sketch:
    """The close of one position that a signal would ask for; `notional` by the last price that was seen."""
    instrument, mark = instrument_of(position), position.mark_price
    return Sketch(
        symbol=position.symbol,
        side=position.position_side.exit_side.value,
        order_type=OrderType.MARKET.value,
        quantity=position.quantity,
        unit=instrument.unit,
        notional=instrument.notional(position.quantity, mark) if mark is not None else None,
        currency=instrument.quote,
        reference_price=mark,
        closes=True,
        guard=f"Closes the {position.position_side.value} position.",
    )


def notes(connection: ExecutionConnection, plan: EntryPlan, lane: str) -> tuple[str, ...]:
    """What the entry would wait for. Reads only."""
    doubt = sa.exists().where(
        Order.connection_id == connection.id,
        Order.state == OrderState.UNRESOLVED,
        sa.func.split_part(Order.symbol, ":", 1) == lane,
    )
    earlier = sa.exists().where(
        Execution.connection_id == connection.id, Execution.lane == lane, Execution.status.in_(UNSETTLED)
    )
    in_doubt, waits = db.session.execute(sa.select(doubt, earlier)).one()
    said = (
        (not standing.is_done(connection, plan.instrument.market_type), _COMPARED_FIRST),
        (in_doubt, _IN_DOUBT),
        (waits and not in_doubt, _EARLIER),
    )
    return tuple(sentence for applies, sentence in said if applies)


def _protection(
    plan: EntryPlan, rules: PresetRules, venue: Capabilities, mode: PositionMode
) -> tuple[str, str]:
    """What would guard the position, by the rules that place its guards later."""
    if not plan.leg.opens:
        return "", "It sells what is held, and opens nothing."
    trails = rules.trailing_stop_percent is not None or rules.trailing_stop_distance is not None
    if plan.sl_price is None and not plan.targets and not trails:
        return "none", "No stop and no target: nothing would guard it."
    kind = plan.instrument.market_type
    can = Ability(
        stop=kind in venue.guards,
        targets=kind in venue.resting_targets,
        exclusive=kind is MarketType.SWAP and venue.reduce_only,
        stop_needs_price=venue.stop_needs_price,
        position_mode=mode,
    )
    resting = wanted_guards(_exposure(plan), can)
    targets = sum(guard.role is OrderRole.TAKE_PROFIT for guard in resting)
    with_targets = f", with {targets} target{'s' if targets > 1 else ''}" if targets else ""
    if any(guard.role is OrderRole.STOP_LOSS for guard in resting):
        return "native", f"The stop would rest at the exchange{with_targets}."
    if plan.sl_price is None and not trails:
        return "none", "No stop; Portico would watch the targets every minute."
    return "local", "Portico would watch the stop every minute; nothing rests at the exchange."


def _exposure(plan: EntryPlan) -> Exposure:
    """The position as it would be if the entry were filled at the price it was sized with."""
    return Exposure(
        instrument=plan.instrument,
        position_side=plan.leg.position_side,
        quantity=plan.quantity,
        initial_quantity=plan.quantity,
        average_entry=plan.reference_price,
        sl_price=plan.sl_price,
        initial_sl_price=plan.sl_price,
        targets=plan.targets,
    )
