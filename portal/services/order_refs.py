"""How to ask a venue about one of our orders, from the row alone."""

from portal.models import Order
from portal.trading.orders import OrderRef
from portal.trading.types import OrderType


def ref_of(order: Order) -> OrderRef:
    """Enough to find `order` again, whether its venue ever named it or not."""
    return OrderRef(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        sent_at=order.sent_at,
        exchange_order_id=order.exchange_order_id,
        trigger=order.order_type is OrderType.STOP,
    )


def cancel_ref_of(order: Order) -> OrderRef:
    """What must be canceled so that `order` is filled no further: a stop that has triggered may work on as
    another order."""
    if order.working_order_id is None:
        return ref_of(order)
    return OrderRef(order.client_order_id, order.symbol, order.sent_at, order.working_order_id)
