"""Futures rules about positions: position mode, reduce-only, close-position."""

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.errors import VenueError
from portal.exchanges.sandbox.funds import closable_quantity
from portal.exchanges.sandbox.numbers import ZERO
from portal.exchanges.sandbox.orders import Order


def check_position_rules(account: Account, order: Order) -> None:
    """Raises VenueError, or cuts a reduce-only order down to the position as Binance does.

    A conditional order is judged again when it triggers, so only its form is checked here.
    """
    hedged = account.futures.hedged
    if hedged != (order.position_side != "BOTH"):
        raise VenueError(-4061, "Order's position side does not match user's setting.")
    if hedged and order.reduce_only:
        raise VenueError(-1106, "Parameter 'reduceonly' sent when not required.")
    if order.is_stop:
        return
    closes = hedged and order.is_buy == (order.position_side == "SHORT")
    if not (order.reduce_only or closes):
        return
    closable = closable_quantity(account.futures, order)
    if closable == ZERO or (closes and order.quantity > closable):
        raise VenueError(-2022, "ReduceOnly Order is rejected.")
    order.quantity = min(order.quantity, closable)
