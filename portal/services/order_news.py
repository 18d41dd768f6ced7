"""What owners are told of an order that does not go as usual, and the line that each answer leaves in the
log. Joins the caller's transaction; decides nothing."""

from portal.models import Order
from portal.services import journal
from portal.services.notifications import notify
from portal.trading.numbers import text
from portal.trading.types import NotificationType, OrderRole, OrderState

#: Error code of an order that was filled by its venue's word alone.
FILLS_MISSING = "FILLS_MISSING"


def tell_vanished(order: Order) -> None:
    """It rested, and the exchange does not have it any more. Does not commit."""
    filled = (
        f"{text(order.filled_quantity)} of {text(order.quantity)} {order.unit}"
        if order.filled_quantity
        else "Nothing"
    )
    notify(
        NotificationType.EXECUTION,
        f"{order.symbol}: an order that waited is gone",
        f"The exchange does not list it any more and did not say why. {filled} was filled; the rest "
        "will not be. Nothing is sent in its place.",
        connection=order.connection,
    )


def tell_missing(order: Order) -> None:
    """Its fills stay unreadable. Told once: the code on the row remembers it. Does not commit."""
    if order.error_code == FILLS_MISSING:
        return
    order.error_code = FILLS_MISSING
    order.error_message = "The exchange says that it filled the order, but its fills cannot be read yet"
    held = "What was opened is not in the books and has no stop yet" if order.role is OrderRole.ENTRY else ""
    notify(
        NotificationType.ERROR,
        f"Fills of an order for {order.symbol} are missing",
        f"{order.error_message}. {held or 'The books wait'}. They are asked for every minute: look at "
        f"order {order.exchange_order_id} in the account, and allow the key to read trades.",
        connection=order.connection,
    )


def log_report(order: Order, before: OrderState, duration_ms: int | None, resolved: bool) -> None:
    """A line for an answer that changed something, or that was the first. Does not commit."""
    if before is order.state and duration_ms is None:
        return
    found = "Found at the exchange: " if resolved else ""
    filled = f", {text(order.filled_quantity)} of {text(order.quantity)} {order.unit} filled"
    price = f" at {text(order.average_price)}" if order.average_price else ""
    journal.note(
        order.state.value,
        f"{found}{order.side.value} {order.symbol} is {order.state.value.replace('_', ' ')}{filled}{price}",
        order=order,
        execution=order.execution,
        duration_ms=duration_ms,
        exchange_order_id=order.exchange_order_id,
        client_order_id=order.client_order_id,
    )
