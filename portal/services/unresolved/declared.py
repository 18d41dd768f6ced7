"""Orders that a person declared not placed. The venue is asked about them for a while: a fill is booked,
loudly, and one that rests there all the same is reported. Asks nobody itself."""

from datetime import datetime, timedelta

from portal.db import db, transaction, utcnow
from portal.models import RESTING, Order
from portal.services import journal
from portal.services.notifications import notify
from portal.trading.orders import OrderReport
from portal.trading.proof import DECLARED_NOT_PLACED, WATCHED_AFTER_DECLARATION
from portal.trading.types import NotificationType, OrderState

_WATCH_EVERY = timedelta(seconds=45)


def is_declared(order: Order) -> bool:
    """Whether this order is over by the word of a person alone."""
    return order.state is OrderState.NOT_PLACED and order.error_code == DECLARED_NOT_PLACED


def watch_on(order_id: int, declared_at: datetime) -> timedelta | None:
    """The venue does not have it, as was declared. Returns when to ask again; after the watch None, and
    nobody asks any more. Commits; may be repeated."""
    if utcnow() < declared_at + WATCHED_AFTER_DECLARATION:
        return _WATCH_EVERY
    with transaction() as session:
        order = session.get_one(Order, order_id, with_for_update={"key_share": True}, populate_existing=True)
        if is_declared(order):
            order.next_query_at = None
    return None


def rests_all_the_same(order_id: int, report: OrderReport) -> bool:
    """The venue shows it after all. True when it only rests there, which changes nothing here and is said
    once: it must be canceled by a person. Commits; may be repeated."""
    if report.state not in RESTING or report.filled_quantity > 0:
        return False
    with transaction():
        order = db.session.get_one(
            Order, order_id, with_for_update={"key_share": True}, populate_existing=True
        )
        if not is_declared(order):
            return False
        if order.exchange_order_id is None:
            order.exchange_order_id = report.exchange_order_id
            message = (
                f"It was declared not placed, but rests at the exchange as {report.exchange_order_id}."
                " Cancel it there; what it fills until then is booked"
            )
            journal.note("declared_but_there", message, order=order, execution=order.execution)
            title = f"An order for {order.symbol} exists after all"
            notify(NotificationType.ERROR, title, f"{message}.", connection=order.connection)
    return True
