"""What happens to a repeated client order id. Binance refuses it while the first order is open."""

import secrets

from portal.exchanges.sandbox.accounts import Account
from portal.exchanges.sandbox.errors import VenueError
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.intents import Intent
from portal.exchanges.sandbox.orders import Order


def earlier_order(exchange: Exchange, account: Account, intent: Intent) -> Order | None:
    """The order that answers a replayed request (class `a_replay`), or None when a new order may be made.

    Raises VenueError when the identity class refuses the repetition.
    """
    if not intent.client_order_id:
        return None
    known = account.by_client_id.get((intent.market.key, intent.is_algo, intent.client_order_id))
    if known is None:
        return None
    identity_class = account.identity_class or exchange.identity_class
    if identity_class == "a_replay":
        return known
    if identity_class == "b_all" or (identity_class == "b_open" and known.is_open):
        if intent.market.is_perp:
            raise VenueError(-4116, "ClientOrderId is duplicated.")
        raise VenueError(-2010, "Duplicate order sent.")
    return None


def generated_id() -> str:
    return secrets.token_hex(11)
