"""Proof that the books balance: every position equals the sum of its unique fills, every order the sum of
its own. Reads only; the nightly run tells the administrators."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

import sqlalchemy as sa

from portal.db import db, end_read, transaction
from portal.models import ExecutionPosition, Fill, Order
from portal.models.order import NEVER_THERE
from portal.models.position import OVER
from portal.services.books_of import book_of
from portal.services.notifications import notify
from portal.trading.numbers import text
from portal.trading.pnl import Book
from portal.trading.types import NotificationType

_BATCH = 500
_ZERO = Decimal(0)
_WHAT_NEXT = (
    "\nNothing was changed. Reduce trading for these accounts, let them be compared with the exchange, and"
    " run portal verify-books again."
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One place where the books contradict themselves."""

    subject: str
    field: str
    stored: str
    computed: str
    #: Found, told and written down before: it stays until a person settles it.
    is_known: bool = False

    def __str__(self) -> str:
        if self.is_known:
            return (
                f"{self.subject}: {self.stored} of it is gone from the exchange and no trade says how;"
                f" its fills still hold {self.computed}"
            )
        return f"{self.subject}: {self.field} is stored as {self.stored}, its fills say {self.computed}"


def verify() -> list[Disagreement]:
    """Compare every position and order with its fills. Returns every disagreement; an empty list means that
    the books balance. Writes nothing; may be repeated at any time."""
    found = list(_orders())
    for position, fills in _positions_with_fills():
        found.extend(_compare(position, book_of(position, fills)))
    end_read()
    return found


def verify_books_nightly() -> list[Disagreement]:
    """`verify`, and a notification to the administrators when something disagrees that nobody was told of
    before. Commits; may be repeated."""
    found = verify()
    if any(not each.is_known for each in found):
        with transaction():
            notify(
                NotificationType.ERROR,
                f"The books disagree in {len(found)} place{'' if len(found) == 1 else 's'}",
                "\n".join(str(each) for each in found[:20]) + _WHAT_NEXT,
            )
    return found


def _orders() -> Iterator[Disagreement]:
    total = sa.func.coalesce(sa.func.sum(Fill.quantity), 0)
    rows = db.session.execute(
        sa.select(Order.id, Order.state, Order.filled_quantity, Order.quantity, total)
        .join(Fill, Fill.order_id == Order.id, isouter=True)
        .group_by(Order.id)
        .having(
            sa.or_(
                Order.filled_quantity != total,
                total > Order.quantity,
                sa.and_(Order.state.in_(NEVER_THERE), total > 0),
            )
        )
        .order_by(Order.id)
    )
    for order_id, state, filled, quantity, filled_sum in rows:
        if filled != filled_sum:
            yield Disagreement(f"order {order_id}", "filled_quantity", text(filled), text(filled_sum))
        if filled_sum > quantity:
            yield Disagreement(f"order {order_id}", "quantity", text(quantity), text(filled_sum))
        if state in NEVER_THERE and filled_sum > 0:
            yield Disagreement(f"order {order_id}", "state", state.value, f"{text(filled_sum)} filled")


def _positions_with_fills() -> Iterator[tuple[ExecutionPosition, list[Fill]]]:
    last = 0
    while True:
        positions = list(
            db.session.execute(
                sa.select(ExecutionPosition)
                .where(ExecutionPosition.id > last)
                .order_by(ExecutionPosition.id)
                .limit(_BATCH)
            ).scalars()
        )
        if not positions:
            return
        last = positions[-1].id
        ids = [position.id for position in positions]
        fills = db.session.execute(
            sa.select(Fill).where(Fill.position_id.in_(ids)).order_by(Fill.position_id, Fill.id)
        ).scalars()
        by_position = {key: list(group) for key, group in groupby(fills, key=lambda fill: fill.position_id)}
        for position in positions:
            yield position, by_position.get(position.id, [])
        db.session.expunge_all()


def _compare(position: ExecutionPosition, told: Book) -> Iterator[Disagreement]:
    held = position.quantity + position.dust_quantity + position.unexplained_quantity
    pairs = [
        ("quantity", held, told.quantity),
        ("realized_pnl", position.realized_pnl, told.realized_pnl),
        ("fees", position.fees, told.fees),
        ("average_entry_price", position.average_entry_price, told.average_entry),
    ]
    for name, stored, computed in pairs:
        if (stored or _ZERO) != (computed or _ZERO):
            shown = [text(value) if value is not None else "nothing" for value in (stored, computed)]
            yield Disagreement(f"position {position.id}", name, shown[0], shown[1])
    if position.unexplained_quantity:
        gone, fills = text(position.unexplained_quantity), text(told.quantity)
        yield Disagreement(f"position {position.id}", "unexplained_quantity", gone, fills, is_known=True)
    if position.status in OVER and position.quantity != 0:
        yield Disagreement(f"position {position.id}", "status", "closed", f"{text(position.quantity)} held")
