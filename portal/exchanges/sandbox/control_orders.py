"""Control plane: what a venue does to orders without being asked."""

from portal.exchanges.sandbox.call import Call
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.control_input import body_of, whole_in
from portal.exchanges.sandbox.errors import bad_control
from portal.exchanges.sandbox.matching import close


def forget_order(control: Control, call: Call) -> object:
    """Ends an order and shows it to no query any more; what it was filled stays in the list of trades."""
    exchange, order_id = control.exchange, whole_in(body_of(call).get("order_id"), "order_id")
    order = next((order for order in exchange.ledger.orders if order.order_id == order_id), None)
    if order is None:
        raise bad_control(f"There is no order {order_id}.")
    account = exchange.accounts.find(order.account_id)
    if order.is_open:
        close(exchange, account, order, "CANCELED")
        exchange.save(account, [order])
    exchange.forgotten.add(order_id)
    return {"order_id": order_id}
