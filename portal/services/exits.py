"""What one price means for one stored position: move its stop, or ask for a close. Joins the caller's
transaction."""

from decimal import Decimal

from portal.models import ExecutionPosition
from portal.services import journal
from portal.services.books_of import instrument_of
from portal.services.positions import want_close
from portal.services.protection import due, holding, rows
from portal.trading.exits import Target
from portal.trading.watch import Exposure, evaluate


def act(position: ExecutionPosition, mark: Decimal) -> int:
    """Apply `mark` to a locked open position. Returns 1 when a close was asked for, else 0. Does not
    commit; may be repeated with the same mark. What rests at the venue is the venue's to do first."""
    exposure = exposure_of(position)
    decision = evaluate(exposure, mark) if exposure is not None else None
    if decision is None:
        position.exit_reached_at = None
        return 0
    moved = decision.sl_price != position.sl_price
    if moved:
        message = f"Stop moved from {position.sl_price} to {decision.sl_price} at a price of {mark}"
        journal.note("stop_moved", message, position=position)
    position.sl_price = decision.sl_price
    position.best_price = decision.high_water
    position.trailed = decision.trailed
    if moved:
        due.mark(position)
    if decision.reason is None:
        position.exit_reached_at = None
        return 0
    if holding.left_to_the_venue(position, decision.targets, mark):
        return 0
    quantity = None if decision.quantity >= position.quantity else decision.quantity
    return int(want_close(position, decision.reason, quantity=quantity, targets=decision.targets))


def exposure_of(position: ExecutionPosition) -> Exposure | None:
    """A stored position as the rules see it; None before its first fill is booked. Reads only."""
    average_entry = position.average_entry_price
    if average_entry is None:
        return None
    return Exposure(
        instrument=instrument_of(position),
        position_side=position.position_side,
        quantity=position.quantity,
        initial_quantity=position.entry_quantity,
        average_entry=average_entry,
        sl_price=position.sl_price,
        initial_sl_price=position.initial_sl_price,
        targets=tuple(
            Target(Decimal(target["price"]), Decimal(target["close_fraction"]))
            for target in position.tp_prices
        ),
        done=frozenset(place for place, target in enumerate(position.tp_prices) if target["done"]),
        high_water=position.best_price,
        break_even_at_r=position.break_even_at_r,
        trailing_stop_percent=position.trailing_stop_percent,
        trailing_activation_percent=position.trailing_activation_percent,
        trailing_stop_distance=position.trailing_stop_distance,
        trailing_activation_distance=position.trailing_activation_distance,
        trailed=position.trailed,
        served=rows.served(position.id) if position.guard_version else {},
    )
