"""Fills into the books: stored once by the venue's own id, then order and position are computed from what
is stored. Joins the caller's transaction."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, utcnow
from portal.models import Execution, ExecutionPosition, Fill, Order
from portal.services import fee_rates, journal
from portal.services.books_of import book_of, fees_as_stored
from portal.services.notifications import notify
from portal.services.protection import due
from portal.trading.numbers import text
from portal.trading.orders import FillReport
from portal.trading.types import (
    ClosedReason,
    MarketType,
    NotificationType,
    OrderRole,
    PositionStatus,
    Protection,
    WhenUnprotected,
)

_ZERO = Decimal(0)

# Built once: SQLAlchemy takes longer to put these together than PostgreSQL to run them.
_STORE = insert(Fill).on_conflict_do_nothing()
_FILLS_OF_ORDER = sa.select(Fill).where(Fill.order_id == sa.bindparam("order_id"))
_FILLS_OF_POSITION = sa.select(Fill).where(Fill.position_id == sa.bindparam("position_id"))
_LOCK = sa.select(ExecutionPosition).with_for_update(key_share=True).execution_options(populate_existing=True)
_POSITION = _LOCK.where(ExecutionPosition.id == sa.bindparam("position_id"))
_POSITION_OF_ENTRY = _LOCK.where(ExecutionPosition.execution_id == sa.bindparam("execution_id"))


def book(order: Order, reports: Iterable[FillReport]) -> ExecutionPosition | None:
    """Store the fills of a locked order, repeats dropped, and recompute order and position. Returns the
    position that they belong to, locked. Does not commit; may be repeated with the same reports."""
    position = _position_of(order)
    rows = [_row(order, position, report) for report in reports]
    if rows:
        db.session.execute(_STORE, rows)
    fills = list(db.session.execute(_FILLS_OF_ORDER, {"order_id": order.id}).scalars())
    if not fills:
        return position
    # The order stays untouched until the position has its id: so it is written once.
    if position is None and _opens(order):
        position = _open_position(order, fills)
        _sum_up(order, fills)
        return position
    _sum_up(order, fills)
    if position is not None:
        refresh(position)
    return position


def refresh(position: ExecutionPosition) -> None:
    """Recompute a locked position from all of its stored fills. Does not commit; may be repeated."""
    db.session.flush()
    _apply(position, db.session.execute(_FILLS_OF_POSITION, {"position_id": position.id}).scalars())


def _apply(position: ExecutionPosition, fills: Iterable[Fill]) -> None:
    told = book_of(position, fills)
    held = position.quantity
    position.quantity = max(
        told.quantity - position.dust_quantity - (position.unexplained_quantity or _ZERO), _ZERO
    )
    position.entry_quantity = told.quantity + told.exited_quantity
    position.average_entry_price = told.average_entry
    position.average_exit_price = told.average_exit
    position.realized_pnl = told.realized_pnl
    position.fees = told.fees
    if position.mark_price is not None:
        position.unrealized_pnl = told.unrealized_pnl(position.mark_price)
    if position.id is not None and position.quantity != held:
        due.mark(position)
    if told.other_fees:
        fee_rates.tell_uncounted(position, told.other_fees)
    if told.oversold > 0:
        message = f"{text(told.oversold)} {position.unit} more was closed than was held"
        journal.note("oversold", message, position=position)
        notify(
            NotificationType.ERROR,
            f"{position.currency_pair}: {message}",
            "The books end at zero. Look at the account: on derivatives, what was closed too much may be a"
            " new position the other way, which nobody guards.",
            position=position,
        )


def _opens(order: Order) -> bool:
    return order.role is OrderRole.ENTRY and order.side is order.position_side.entry_side


def _position_of(order: Order) -> ExecutionPosition | None:
    if order.position_id is not None:
        found = db.session.execute(_POSITION, {"position_id": order.position_id})
    elif _opens(order) and order.execution_id is not None:
        found = db.session.execute(_POSITION_OF_ENTRY, {"execution_id": order.execution_id})
    else:
        return None
    return found.scalar_one_or_none()


def _row(order: Order, position: ExecutionPosition | None, report: FillReport) -> dict[str, object]:
    return {
        "connection_id": order.connection_id,
        "order_id": order.id,
        "position_id": position.id if position else None,
        "exchange_fill_id": report.exchange_fill_id,
        "exchange_order_id": report.exchange_order_id,
        "symbol": report.symbol,
        "side": report.side,
        "quantity": report.quantity,
        "price": report.price,
        "fees": fees_as_stored(report),
        "is_maker": report.is_maker,
        "filled_at": report.filled_at,
    }


def _sum_up(order: Order, fills: Sequence[Fill]) -> None:
    total = sum((fill.quantity for fill in fills), _ZERO)
    order.filled_quantity = total
    order.average_price = _average(fills)
    if total > order.quantity:
        message = f"{text(total)} was filled of an order for {text(order.quantity)} {order.unit}"
        journal.note("overfill", message, order=order)
        notify(
            NotificationType.ERROR,
            f"More was filled than ordered on {order.symbol}",
            f"{message}. The books follow the exchange. Compare the position with the account there.",
            connection=order.connection,
        )


def _average(fills: Sequence[Fill]) -> Decimal:
    total = sum((fill.quantity for fill in fills), _ZERO)
    return sum((fill.quantity * fill.price for fill in fills), _ZERO) / total


def _open_position(order: Order, fills: Sequence[Fill]) -> ExecutionPosition:
    """The position that an entry's first fill opens, with the stop and the targets that were planned."""
    execution = order.execution or db.session.get_one(Execution, order.execution_id)
    market, exits = order.payload["instrument"], order.payload["exits"]
    targets = [{**target, "done": False} for target in exits["targets"]]
    stop = _decimal(exits["sl_price"])
    position = ExecutionPosition(
        execution_id=execution.id,
        connection_id=order.connection_id,
        owner_id=execution.owner_id,
        connection_name=execution.connection_name,
        exchange_name=_price_source(order),
        currency_pair=execution.currency_pair,
        symbol=order.symbol,
        market_type=MarketType(market["market_type"]),
        position_side=order.position_side,
        base=market["base"],
        quote=market["quote"],
        settle=market["settle"],
        linear=market["linear"],
        contract_size=Decimal(market["contract_size"]),
        tick_size=Decimal(market["tick_size"]),
        lot_size=Decimal(market["lot_size"]),
        min_quantity=_decimal(market["min_quantity"]),
        mark_price=_average(fills),
        marked_at=utcnow(),
        sl_price=stop,
        initial_sl_price=stop,
        tp_prices=targets,
        next_tp_price=_decimal(targets[0]["price"]) if targets else None,
        break_even_at_r=_decimal(exits["break_even_at_r"]),
        trailing_stop_percent=_decimal(exits["trailing_stop_percent"]),
        trailing_activation_percent=_decimal(exits["trailing_activation_percent"]),
        trailing_stop_distance=_decimal(exits.get("trailing_stop_distance")),
        trailing_activation_distance=_decimal(exits.get("trailing_activation_distance")),
        protection=Protection.LOCAL,
        when_unprotected=WhenUnprotected(exits.get("when_unprotected", WhenUnprotected.ALERT)),
        status=PositionStatus.OPEN,
        funding=_ZERO,
        dust_quantity=_ZERO,
        unexplained_quantity=_ZERO,
        opened_at=min(fill.filled_at for fill in fills),
    )
    _apply(position, fills)
    db.session.add(position)
    db.session.flush()
    order.position_id = position.id
    for fill in fills:
        fill.position_id = position.id
    due.start(position)
    return position


def _price_source(order: Order) -> str:
    """A data connection's prices where the account has one, else its own exchange's."""
    connection = order.connection
    if connection is None:
        return ""
    return connection.data_connection.provider if connection.data_connection else connection.exchange_name


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def reason_words(reason: ClosedReason | None) -> str:
    """The reason of a close for people."""
    return {
        ClosedReason.TAKE_PROFIT: "take-profit",
        ClosedReason.STOP_LOSS: "stop-loss",
        ClosedReason.TRAILING: "trailing stop",
        ClosedReason.SIGNAL: "closing signal",
        ClosedReason.MANUAL: "hand",
        ClosedReason.EXTERNAL: "somebody outside Portico",
    }.get(reason or ClosedReason.MANUAL, (reason or ClosedReason.MANUAL).value)
