"""What statuses mean, for people who do not know ours. Pure text."""

from decimal import Decimal
from typing import NamedTuple

from portal.models import Execution, ExecutionConnection, ExecutionPosition
from portal.trading.types import (
    ClosedReason,
    ExecutionStatus,
    NotificationType,
    OrderRole,
    Protection,
    Side,
)
from portal.web.formatting import plain_number
from portal.web.key_guides import guide_for
from portal.web.orders import OrderSummary

#: When the execution itself has no message.
_EXECUTION = {
    ExecutionStatus.PENDING: "Waiting for a worker. Nothing was sent yet.",
    ExecutionStatus.IN_FLIGHT: "On its way to the exchange.",
    ExecutionStatus.OPEN: "The order rests at the exchange and waits for its price.",
    ExecutionStatus.PARTIALLY_FILLED: "A part is filled; the rest waits at the exchange.",
    ExecutionStatus.FILLED: "The order was filled completely.",
    ExecutionStatus.DENIED: "Not sent: one of the checks said no.",
    ExecutionStatus.REJECTED: "The exchange refused the order. Nothing was bought or sold.",
    ExecutionStatus.UNRESOLVED: "Not confirmed by the exchange yet. It is asked; nothing is sent twice.",
    ExecutionStatus.NOT_PLACED: "The order did not reach the exchange. Nothing was bought or sold.",
    ExecutionStatus.EXPIRED: "Too old when its turn came. Nothing was sent.",
    ExecutionStatus.CANCELED: "Canceled before it was filled.",
}
_HEALTH = {
    "healthy": "Ready for signals.",
    "stale": "Not heard of for a day. Run a test.",
    "testing": "Being tested.",
    "error": "Takes no signals until it is repaired.",
    "inactive": "Switched off. It takes no signals; open positions are still watched.",
}
PROTECTION = {
    Protection.NATIVE: "Its stop was read back from the exchange.",
    Protection.LOCAL: "Nothing rests at the exchange. Portico watches the price.",
    Protection.FAILED: "No stop could be proved at the exchange. Look there, or close the position.",
}
CLOSED = {
    ClosedReason.TAKE_PROFIT: "take-profit",
    ClosedReason.STOP_LOSS: "stop-loss",
    ClosedReason.TRAILING: "trailing stop",
    ClosedReason.MANUAL: "by hand",
    ClosedReason.SIGNAL: "by a signal",
    ClosedReason.EXTERNAL: "outside Portico",
    ClosedReason.LIQUIDATION: "liquidation",
    ClosedReason.EMERGENCY: "emergency",
}
#: Kind of a notification: its word, and the meaning of that word as a colour.
NEWS = {
    NotificationType.EXECUTION: ("order", "plain"),
    NotificationType.OPEN: ("opened", "good"),
    NotificationType.CLOSE: ("closed", "plain"),
    NotificationType.SL_HIT: ("stop hit", "plain"),
    NotificationType.TP_HIT: ("target hit", "good"),
    NotificationType.LIQUIDATION: ("liquidated", "bad"),
    NotificationType.ERROR: ("look at it", "bad"),
    NotificationType.UNRESOLVED: ("in doubt", "warn"),
    NotificationType.UNPROTECTED: ("protection", "bad"),
    NotificationType.CONNECTION: ("connection", "plain"),
    NotificationType.HALT: ("trading switch", "warn"),
}
ROLES = {
    OrderRole.ENTRY: "Entry",
    OrderRole.STOP_LOSS: "Stop-loss",
    OrderRole.TAKE_PROFIT: "Take-profit",
    OrderRole.CLOSE: "Close",
}
STEPS = {
    "queue": "Waiting for a worker",
    "read": "Reading balance and prices",
    "plan": "Checking and sizing",
    "place": "Placing at the exchange",
    "record": "Recording the outcome",
}


class Target(NamedTuple):
    """One take-profit of a position."""

    price: Decimal
    done: bool


def targets(position: ExecutionPosition) -> list[Target]:
    """The take-profits of a position, as numbers."""
    return [Target(Decimal(str(each["price"])), bool(each.get("done"))) for each in position.tp_prices]


def exchange(name: str) -> str:
    """The exchange as people call it."""
    return guide_for(name).title


def unit(position: ExecutionPosition) -> str:
    """What the position's quantity counts."""
    return position.unit


def reason(execution: Execution, order: OrderSummary | None = None) -> str:
    """What became of the execution, in a sentence; with what was bought or sold where `order` tells it."""
    said = execution.message or _EXECUTION[execution.status]
    if order is None or not order.filled_quantity or order.average_price is None:
        return said
    quote = order.symbol.partition(":")[0].partition("/")[2]
    done = "Bought" if order.side is Side.BUY else "Sold"
    price = f"at {plain_number(order.average_price)} {quote}"
    if execution.status is ExecutionStatus.FILLED:
        return f"{done} {plain_number(order.filled_quantity)} {order.unit} {price}."
    of = f"{plain_number(order.filled_quantity)} of {plain_number(order.quantity)} {order.unit}"
    return f"{done} {of} {price}. {said}"


def health(connection: ExecutionConnection) -> str:
    """What the connection's health means, in a sentence."""
    state = connection.get_health_status()
    if state == "error" and connection.last_error:
        return connection.last_error
    if state == "stale" and connection.last_tested_at is None:
        return "Not tested yet. Run a test."
    return _HEALTH[state]
