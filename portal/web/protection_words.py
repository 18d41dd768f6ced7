"""What protects a position, in plain words with the proof behind it, for owners and operators. Pure text."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from portal.models import IN_DOUBT, ExecutionPosition, Order
from portal.services.protection import evidence
from portal.trading.types import OrderRole, OrderState, Protection
from portal.web.formatting import plain_number
from portal.web.words import PROTECTION

_ROLES = {OrderRole.STOP_LOSS: "Stop", OrderRole.TAKE_PROFIT: "Target"}
#: What was done, and what was not yet, when somebody moved a stop.
MOVED = (
    "The books have the new stop, and Portico watches it from now on. The order at the exchange is not"
    " replaced yet: a worker does that next, and the proof is shown under Protection."
)


def name(order: Order) -> str:
    """What a guard is, and which."""
    word = _ROLES.get(order.role, "Order")
    return word if order.target_place is None else f"{word} {order.target_place + 1}"


def last_looked_at(position: ExecutionPosition, guards: Sequence[Order]) -> datetime | None:
    """When its protection was last looked at: with guards that all were read back, the oldest of these."""
    proved = [order.proved_at for order in guards if order.proved_at is not None]
    checked = position.protection_checked_at
    if not proved or len(proved) < len(guards):
        return checked
    return min(proved) if checked is None else max(checked, min(proved))


def learnt(order: Order) -> str:
    """What the exchange said of a guard."""
    if order.state in IN_DOUBT:
        return "It may exist: its answer was lost, and the exchange is asked. It is never sent twice."
    if order.error_message:
        return order.error_message
    if order.proved_at is not None and order.closed_at is None:
        return "It rests with the side, size and price that were asked for."
    return {
        OrderState.OPEN: "The exchange took it; it was not read back yet.",
        OrderState.FILLED: "It was filled.",
        OrderState.CANCELED: "It was taken off.",
    }.get(order.state, "")


def sentences(position: ExecutionPosition, guards: Sequence[Order]) -> list[str]:
    """What stands at the exchange and what does not, for an open position."""
    said = [PROTECTION[position.protection]]
    if position.protection_note and position.protection_note not in said[0]:
        said.append(f"{position.protection_note.rstrip('.')}.")
    if not evidence.is_behind(position, guards):
        return said
    if position.sl_price is None:
        said.append("Its orders at the exchange are being brought in line.")
    elif position.protection is not Protection.FAILED:
        said.append(_behind(position.sl_price, guards))
    return said


def _behind(wanted: Decimal, guards: Sequence[Order]) -> str:
    stops = [order.trigger_price for order in guards if order.role is OrderRole.STOP_LOSS]
    if stops and stops[0] is not None and stops[0] != wanted:
        return (
            f"At the exchange the stop is still at {plain_number(stops[0])}; it is being replaced by one at"
            f" {plain_number(wanted)}. Until that is proved, Portico watches the new one."
        )
    return (
        f"Its stop at {plain_number(wanted)} is not proved at the exchange yet; Portico watches it meanwhile."
    )


def brief(guards: Sequence[Order]) -> list[str]:
    """The proof in a few words per order, for a list."""
    return [_brief(order) for order in guards if order.trigger_price is not None]


def _brief(order: Order) -> str:
    proved = "" if order.proved_at is not None else ", not read back"
    return f"{name(order).lower()} {plain_number(order.trigger_price or order.quantity)}{proved}"
