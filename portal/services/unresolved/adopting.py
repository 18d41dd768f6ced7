"""Taking an order of the venue's for one of ours in doubt, because a person says that it is. It is read from
the venue first, and refused unless it can be ours. Workers only."""

from datetime import timedelta
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portal.db import db, transaction
from portal.errors import ConflictError, NotFoundError
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import ExecutionConnection, Order, User
from portal.services import audit, recording, venues
from portal.services.order_refs import ref_of
from portal.services.traffic_lanes import Purpose
from portal.services.unresolved import deciding
from portal.trading.numbers import text
from portal.trading.orders import FillReport, OrderRef, OrderReport

#: Nothing that the venue last touched so long before our request can be it.
CLOCKS_DIFFER = timedelta(seconds=60)
#: Venues that sell by cost round the quantity a little.
_AT_LEAST = Decimal("0.99")


def adopt(order_id: int, exchange_order_id: str, *, actor: audit.Actor | int) -> None:
    """Read `exchange_order_id` from the venue and record it as what became of an order in doubt. The `actor`
    may be the id of a user.

    Raises NotFoundError (no such order, here or there), ConflictError (it cannot be ours, it belongs to
    another order of ours, or ours was settled meanwhile), ExchangeError and DecryptionError (no answer); then
    nothing was changed. Owns its transactions; may be repeated."""
    with transaction():
        order = deciding.lock_in_doubt(order_id)
        deciding.require_window_over(order)
        _require_free(order, exchange_order_id)
        ref, connection = ref_of(order), _connection_of(order)
        by: str | int = actor.id if isinstance(actor, User) else actor
    with venues.exchange_for(connection, Purpose.VITAL) as exchange:
        report, fills = _read(ref, exchange_order_id, exchange)

    def check(locked: Order) -> None:
        deciding.require_doubt(locked)
        _require_free(locked, exchange_order_id)
        _require_ours(locked, report)
        known = deciding.known_of(locked)
        audit.record(
            db.session.get_one(User, by) if isinstance(by, int) else by,
            "portal.order.adopted",
            "order",
            locked.id,
            exchange_order_id=exchange_order_id,
            **known,
        )

    try:
        recording.record_report(order_id, report, fills, resolved=True, check=check)
    except IntegrityError as error:
        raise ConflictError(
            f"Another order of ours was recorded as {exchange_order_id} in the same second."
            " Nothing was changed."
        ) from error


def owner_of(order: Order, exchange_order_id: str) -> int | None:
    """The id of another order of ours that this one of the venue's belongs to. Reads only."""
    return db.session.scalar(
        sa.select(Order.id).where(
            Order.id != order.id,
            Order.connection_id == order.connection_id,
            Order.symbol == order.symbol,
            sa.or_(Order.exchange_order_id == exchange_order_id, Order.working_order_id == exchange_order_id),
        )
    )


def why_not(order: Order, report: OrderReport) -> str | None:
    """Why `report` cannot be what became of `order`; None when it can."""
    if report.client_order_id not in (None, "", order.client_order_id):
        return f"it carries another client order id than ours, {report.client_order_id}"
    if report.symbol != order.symbol:
        return f"it is for {report.symbol}, ours is for {order.symbol}"
    if report.side is not order.side:
        return f"it is a {report.side.value}, ours is a {order.side.value}"
    if report.quantity > 0 and not _AT_LEAST * order.quantity <= report.quantity <= order.quantity:
        return f"it is for {text(report.quantity)}, ours is for {text(order.quantity)}"
    if report.filled_quantity > order.quantity:
        return f"{text(report.filled_quantity)} of it was filled, ours is for {text(order.quantity)}"
    if order.trigger_price is not None and report.trigger_price not in (None, order.trigger_price):
        return "its trigger price is another than that of ours"
    if report.reduce_only and not order.reduce_only:
        return "it may only reduce a position, ours may open one"
    if report.updated_at is not None and report.updated_at < order.sent_at - CLOCKS_DIFFER:
        return "it ended before ours was sent"
    return None


def _read(
    ref: OrderRef, exchange_order_id: str, exchange: Exchange
) -> tuple[OrderReport, tuple[FillReport, ...]]:
    named = OrderRef(ref.client_order_id, ref.symbol, ref.sent_at, exchange_order_id, ref.trigger)
    report = exchange.find_order(named).report
    if report is None:
        raise NotFoundError(
            f"The exchange does not have an order {exchange_order_id} for {ref.symbol}. Nothing was changed."
        )
    if exchange_order_id not in (report.exchange_order_id, report.working_order_id):
        raise ConflictError(
            f"The exchange knows our own order as {report.exchange_order_id}, not as {exchange_order_id}."
            " Nothing was changed; ask again, and it is recorded as that."
        )
    if report.filled_quantity <= 0:
        return report, report.fills
    under = report.working_order_id or report.exchange_order_id
    try:
        return report, tuple(exchange.fills(ref.symbol, ref.sent_at - CLOCKS_DIFFER, under))
    except ExchangeError:
        # The follow-up reads them.
        return report, report.fills


def _require_free(order: Order, exchange_order_id: str) -> None:
    owner = owner_of(order, exchange_order_id)
    if owner is not None:
        raise ConflictError(
            f"The exchange's order {exchange_order_id} belongs to order {owner} of ours. Nothing was changed."
        )


def _require_ours(order: Order, report: OrderReport) -> None:
    why = why_not(order, report)
    if why is not None:
        raise ConflictError(
            f"The exchange's order {report.exchange_order_id} cannot be ours: {why}. Nothing was changed."
        )


def _connection_of(order: Order) -> ExecutionConnection:
    if order.connection is None:
        raise ConflictError("The account of this order was deleted here; its exchange cannot be asked.")
    _ = order.connection.credentials
    return order.connection
