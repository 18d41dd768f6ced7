"""What an account shows that is not ours: listed, told once, never traded. Writes the list; sends nothing."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, end_read, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.venues import shape_client_order_id
from portal.exchanges.venues_table import venue
from portal.models import ExecutionConnection, ForeignHolding, Order
from portal.services import resolution
from portal.services.notifications import notify
from portal.services.reconciliation import our_side
from portal.services.reconciliation.cycle import Look, Result
from portal.trading.numbers import text
from portal.trading.orders import OrderReport
from portal.trading.reconcile import CONFIRM_AFTER, Difference
from portal.trading.types import ForeignKind, MarketType, NotificationType, OrderRole, Side

#: Kind, symbol, side and the venue's order id.
Key = tuple[ForeignKind, str, Side, str]
_THERE = ForeignHolding.gone_at.is_(None)
#: A message about more is not read.
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is not ours."""

    kind: ForeignKind
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    exchange_order_id: str = ""

    @property
    def key(self) -> Key:
        return (self.kind, self.symbol, self.side, self.exchange_order_id)

    def __str__(self) -> str:
        price = f" at {text(self.price)}" if self.price else ""
        what = "position opened by" if self.kind is ForeignKind.POSITION else "order to"
        return f"{what} {self.side.value} {text(self.quantity)} {self.symbol}{price}"


def follows() -> sa.ColumnElement[bool]:
    """True in SQL for what is looked at every minute: all but orders on markets that Portico never traded on
    that account. There may be any number of those; `everywhere` looks at them."""
    row = ForeignHolding
    traded = sa.exists().where(
        Order.connection_id == row.connection_id, Order.symbol == row.symbol, ~Order.is_external
    )
    return sa.or_(row.kind == ForeignKind.POSITION, traded)


def symbols_with_orders(connection_id: int) -> list[str]:
    """Where foreign orders rested the last time, of the markets that are followed. Reads only."""
    rows = db.session.execute(
        sa.select(ForeignHolding.symbol)
        .where(
            ForeignHolding.connection_id == connection_id,
            ForeignHolding.kind == ForeignKind.ORDER,
            _THERE,
            follows(),
        )
        .distinct()
    ).scalars()
    return sorted(rows)


def record(connection: ExecutionConnection, exchange: Exchange, seen: Look, result: Result) -> None:
    """Bring the list up to date with what was truly read. Commits; may be repeated, also at the same time.
    Raises ExchangeError when an entry that may have made a position larger cannot be asked about."""
    known = {
        (row.kind, row.symbol, row.side, row.exchange_order_id): row.id
        for row in db.session.execute(
            sa.select(ForeignHolding).where(ForeignHolding.connection_id == connection.id, _THERE)
        ).scalars()
    }
    end_read()
    unsure = _unsure_symbols(connection.id, seen) | _grown_by_ours(connection.id, exchange, seen)
    positions = [
        _position(each, seen)
        for each in seen.comparison.foreign
        if each.subject.name not in unsure and seen.is_quiet(each.subject)
    ]
    listed = [(symbol, each) for symbol, orders in seen.theirs.orders.items() for each in orders]
    orders = [_order(symbol, each) for symbol, each in _not_ours(connection, listed)]
    end_read()
    found = {each.key: each for each in (*positions, *orders)}
    result.foreign = [str(each) for each in found.values()]
    gone = [row_id for key, row_id in known.items() if key not in found and _was_read(key, seen, unsure)]
    if found or gone:
        _write(connection, found.values(), gone, utcnow())


def record_orders(
    connection: ExecutionConnection,
    orders: Sequence[OrderReport],
    whole: Collection[MarketType],
    began_at: datetime,
) -> list[str]:
    """Bring the list up to date with the resting orders of all markets, read since `began_at`. Of the kinds
    in `whole`, what is missing is gone. Returns what is not ours, in words. Commits; may be repeated."""
    foreign = _not_ours(connection, [(each.symbol, each) for each in orders])
    found = {each.key: each for each in (_order(symbol, report) for symbol, report in foreign)}
    known = db.session.execute(
        sa.select(ForeignHolding).where(
            ForeignHolding.connection_id == connection.id,
            ForeignHolding.kind == ForeignKind.ORDER,
            ForeignHolding.last_seen_at < began_at,
            _THERE,
        )
    ).scalars()
    gone = [
        row.id
        for row in known
        if (MarketType.SWAP if ":" in row.symbol else MarketType.SPOT) in whole
        and (row.kind, row.symbol, row.side, row.exchange_order_id) not in found
    ]
    end_read()
    if found or gone:
        _write(connection, found.values(), gone, utcnow())
    return [str(each) for each in found.values()]


def _write(
    connection: ExecutionConnection, found: Iterable[Found], gone: Collection[int], now: datetime
) -> None:
    with transaction() as session:
        new = [each for each in found if _upsert(connection, each, now)]
        if gone:
            session.execute(sa.update(ForeignHolding).where(ForeignHolding.id.in_(gone)).values(gone_at=now))
        if new:
            _tell(connection, new)


def _upsert(connection: ExecutionConnection, each: Found, now: datetime) -> bool:
    """True when it was not there before."""
    values = {"quantity": each.quantity, "price": each.price, "last_seen_at": now}
    statement = insert(ForeignHolding).values(
        connection_id=connection.id,
        owner_id=connection.owner_id,
        connection_name=connection.name,
        kind=each.kind,
        symbol=each.symbol,
        side=each.side,
        exchange_order_id=each.exchange_order_id,
        first_seen_at=now,
        **values,
    )
    first_seen = db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["connection_id", "kind", "symbol", "side", "exchange_order_id"],
            index_where=sa.text("gone_at IS NULL"),
            set_=values,
        ).returning(ForeignHolding.first_seen_at)
    ).scalar_one()
    return bool(first_seen == now)


def _tell(connection: ExecutionConnection, new: Collection[Found]) -> None:
    listed = "\n".join(str(each) for each in islice(new, _MOST_NAMED))
    if len(new) > _MOST_NAMED:
        listed += f"\nand {len(new) - _MOST_NAMED} more, on the page of the connection"
    mixes = any(each.kind is ForeignKind.POSITION for each in new)
    entries = (
        " Entries on these markets are denied while that position is there, because they would mix with it."
        if mixes
        else ""
    )
    notify(
        NotificationType.CONNECTION,
        f"{connection.name} shows what is not ours",
        f"{listed}\nPortico lists it and does not touch it.{entries}",
        connection=connection,
    )


def _position(found: Difference, seen: Look) -> Found:
    subject = found.subject
    price = next(
        (
            each.average_entry_price
            for each in seen.theirs.positions
            if (each.symbol, each.position_side) == (subject.name, subject.position_side)
        ),
        None,
    )
    side = subject.position_side.entry_side
    return Found(ForeignKind.POSITION, subject.name, side, found.surplus, price)


def _order(symbol: str, report: OrderReport) -> Found:
    price = report.trigger_price or report.price
    return Found(ForeignKind.ORDER, symbol, report.side, report.quantity, price, report.exchange_order_id)


def _not_ours(
    connection: ExecutionConnection, listed: Sequence[tuple[str, OrderReport]]
) -> list[tuple[str, OrderReport]]:
    """Resting orders under ids that no order of ours has, neither the venue's nor our own."""
    ids = {each.exchange_order_id for _, each in listed}
    if not ids:
        return []
    rows = db.session.execute(
        sa.select(Order.exchange_order_id, Order.working_order_id, Order.client_order_id).where(
            Order.connection_id == connection.id,
            ~Order.is_external,
            sa.or_(
                Order.exchange_order_id.in_(ids),
                Order.working_order_id.in_(ids),
                Order.next_query_at.is_not(None),
            ),
        )
    ).all()
    shape = venue(connection.exchange_name).id_shape
    known = {name for row in rows for name in row[:2] if name}
    named = {str(shape_client_order_id(row.client_order_id, shape)) for row in rows} | {
        row.client_order_id for row in rows
    }
    return [
        (symbol, each)
        for symbol, each in listed
        if each.exchange_order_id not in known and each.client_order_id not in named
    ]


def _unsure_symbols(connection_id: int, seen: Look) -> frozenset[str]:
    """Markets on which something of ours happened a moment ago: the venue may not show its end yet."""
    symbols = {each.subject.name for each in seen.comparison.foreign}
    if not symbols:
        return frozenset()
    recent = db.session.execute(
        sa.select(Order.symbol)
        .where(
            Order.connection_id == connection_id,
            Order.symbol.in_(symbols),
            Order.updated_at > utcnow() - CONFIRM_AFTER,
        )
        .distinct()
    ).scalars()
    return frozenset(recent)


def _grown_by_ours(connection_id: int, exchange: Exchange, seen: Look) -> frozenset[str]:
    """Markets on which an entry of ours that rests there was filled a moment ago, so that the surplus is
    ours."""
    subjects = {each.subject for each in seen.comparison.foreign}
    entries = {
        order.order_id: subject
        for subject in subjects
        for order in seen.after.orders_of(subject)
        if order.role is OrderRole.ENTRY
    }
    if not entries:
        return frozenset()
    for order_id in entries:
        resolution.ask_now(order_id, exchange)
    now = our_side.read(connection_id)
    end_read()
    return frozenset(subject.name for subject in subjects if now.fence(subject) != seen.after.fence(subject))


def _was_read(key: Key, seen: Look, unsure: Collection[str]) -> bool:
    kind, symbol, _, _ = key
    if kind is ForeignKind.ORDER:
        return symbol in seen.theirs.orders
    moving = any(
        each.subject.name == symbol and not seen.is_quiet(each.subject) for each in seen.comparison.foreign
    )
    return MarketType.SWAP in seen.theirs.covered and symbol not in unsure and not moving
