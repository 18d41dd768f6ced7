"""Who is told of an order in doubt, and when it is settled. Most doubts end by themselves within half a
minute; of those nobody is told. Asks no venue."""

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.db import db, transaction, utcnow
from portal.models import IN_DOUBT, Order
from portal.services import claims
from portal.services.notifications import notify
from portal.trading.numbers import text
from portal.trading.types import NotificationType, OrderRole, OrderState

#: Longer than a proof of absence takes; with a sweep every ten seconds people know within a minute.
PATIENCE = timedelta(seconds=40)
ROLES = {
    OrderRole.ENTRY: "entry",
    OrderRole.STOP_LOSS: "stop",
    OrderRole.TAKE_PROFIT: "take-profit",
    OrderRole.CLOSE: "close",
}


def tell_overdue(limit: int) -> int:
    """Tell owners of orders that stay in doubt, once each. Returns how many. Commits; may be repeated, also
    twice at once."""
    wanted = (
        sa.select(Order)
        .options(joinedload(Order.connection), joinedload(Order.execution))
        .where(Order.state.in_(IN_DOUBT), Order.doubt_told_at.is_(None), Order.sent_at <= utcnow() - PATIENCE)
        .order_by(Order.id)
        .limit(limit)
        .with_for_update(key_share=True, of=Order, skip_locked=True)
    )
    with transaction():
        orders = db.session.scalars(wanted).all()
        for order in orders:
            order.doubt_told_at = utcnow()
            notify(
                NotificationType.UNRESOLVED,
                f"An order for {order.symbol} is unresolved",
                f"The exchange did not say whether it took {described(order)}. It may exist. Portico goes on"
                " asking; no new entry is sent on this account and symbol until this is settled.",
                connection=order.connection,
                execution=order.execution,
            )
        return len(orders)


def settled(order: Order, before: OrderState) -> None:
    """A locked order has left doubt: entries that waited for it may go, and who was told of the doubt is told
    of its end. Does not commit; costs nothing for an order that never was unresolved."""
    if before not in IN_DOUBT or order.state in IN_DOUBT:
        return
    if before is OrderState.UNRESOLVED and order.role is not OrderRole.ENTRY:
        claims.wake_first(order.connection_id, order.symbol.partition(":")[0])
    if order.doubt_told_at is not None:
        notify(
            NotificationType.UNRESOLVED,
            f"The order for {order.symbol} is settled",
            _outcome(order),
            connection=order.connection,
            execution=order.execution,
        )


def described(order: Order) -> str:
    """The order in words: `the entry, buy 0.5 BTC of BTC/USDT`."""
    role = ROLES[order.role]
    return f"the {role}, {order.side.value} {text(order.quantity)} {order.unit} of {order.symbol}"


def _outcome(order: Order) -> str:
    what = described(order)
    what = what[0].upper() + what[1:]  # a symbol keeps its case
    if order.state is OrderState.NOT_PLACED:
        return f"{what}: {order.error_message or 'it was not placed'}."
    filled = f"{text(order.filled_quantity)} of {text(order.quantity)} {order.unit} filled"
    state = order.state.value.replace("_", " ")
    return f"{what}: found at the exchange, {state}, {filled}."
