"""What our books say of one connection right now, and whether anything of it is moving. Reads only."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from portal.db import db, spelled
from portal.models import IN_DOUBT, ExecutionPosition, Order
from portal.models.position import HELD
from portal.trading.reconcile import Held, Subject
from portal.trading.types import MarketType, OrderRole, OrderState, PositionSide, PositionStatus


@dataclass(frozen=True, slots=True)
class OurOrder:
    """An order of ours that may still change what is held."""

    order_id: int
    symbol: str
    state: OrderState
    filled_quantity: Decimal
    fills_complete: bool
    role: OrderRole

    @property
    def in_doubt(self) -> bool:
        """Nobody knows yet what it has done."""
        return self.state in IN_DOUBT or not self.fills_complete


@dataclass(frozen=True, slots=True)
class OurSide:
    """Open positions and unsettled orders of one connection at one moment."""

    held: tuple[Held, ...]
    orders: tuple[OurOrder, ...]
    #: Positions with an order of ours under way.
    closing: frozenset[int]
    #: Swap symbols that are not linear: some venues list those apart.
    inverse: frozenset[str]

    def symbols(self, kind: MarketType | None = None) -> list[str]:
        """Every symbol with a position or an order of ours."""
        named = {each.symbol for each in self.held} | {each.symbol for each in self.orders}
        return sorted(each for each in named if kind is None or _kind(each) is kind)

    def of(self, subject: Subject) -> tuple[Held, ...]:
        return tuple(each for each in self.held if each.subject == subject)

    def orders_of(self, subject: Subject) -> tuple[OurOrder, ...]:
        """Orders that may change what is held of `subject`."""
        if subject.market_type is MarketType.SWAP:
            return tuple(each for each in self.orders if each.symbol == subject.name)
        return tuple(each for each in self.orders if spot_base(each.symbol) == subject.name)

    def is_moving(self, subject: Subject) -> bool:
        """Something of ours on it is in doubt, in flight, filled but not read, or being closed."""
        if any(each.position_id in self.closing for each in self.of(subject)):
            return True
        return any(each.in_doubt for each in self.orders_of(subject))

    def fence(self, subject: Subject) -> str:
        """Names all that a fill or an order of ours would change; two equal fences enclose a quiet time."""
        orders = (f"{each.order_id}:{each.state}:{each.filled_quantity}" for each in self.orders_of(subject))
        return _digest((self.books(subject), *sorted(orders)))

    def books(self, subject: Subject) -> str:
        """Names what is held, and by which positions."""
        return _digest(sorted(f"{each.position_id}:{each.quantity}" for each in self.of(subject)))

    def booked(self, subject: Subject) -> Decimal:
        return sum((each.quantity for each in self.of(subject)), Decimal(0))


def read(connection_id: int) -> OurSide:
    """The books of one connection, in two statements. Leaves the caller's transaction open."""
    positions = db.session.execute(
        sa.select(
            ExecutionPosition.id,
            ExecutionPosition.symbol,
            ExecutionPosition.base,
            ExecutionPosition.market_type,
            ExecutionPosition.position_side,
            ExecutionPosition.quantity,
            ExecutionPosition.lot_size,
            ExecutionPosition.opened_at,
            ExecutionPosition.status,
            ExecutionPosition.linear,
        )
        .where(
            ExecutionPosition.connection_id == connection_id,
            ExecutionPosition.status.in_(spelled(*HELD)),
        )
        .order_by(ExecutionPosition.opened_at, ExecutionPosition.id)
    ).all()
    orders = db.session.execute(
        sa.select(
            Order.id,
            Order.symbol,
            Order.state,
            Order.filled_quantity,
            Order.fills_complete,
            Order.role,
        )
        # What is asked about again is unsettled: in doubt, resting, or filled with fills to be read.
        .where(Order.connection_id == connection_id, Order.next_query_at.is_not(None))
    ).all()
    held = tuple(
        Held(
            row.id,
            _subject(row.market_type, row.symbol, row.base, row.position_side),
            row.symbol,
            row.quantity,
            row.lot_size,
            row.opened_at,
        )
        for row in positions
    )
    return OurSide(
        held,
        tuple(OurOrder(*row) for row in orders),
        frozenset(row.id for row in positions if row.status is PositionStatus.CLOSING),
        frozenset(row.symbol for row in positions if not row.linear),
    )


def _subject(kind: MarketType, symbol: str, base: str, side: PositionSide) -> Subject:
    if kind is MarketType.SPOT:
        return Subject(MarketType.SPOT, base)
    return Subject(MarketType.SWAP, symbol, side)


def spot_base(symbol: str) -> str | None:
    """The coin that a spot market trades; None of swaps."""
    return None if ":" in symbol else symbol.partition("/")[0]


def _kind(symbol: str) -> MarketType:
    return MarketType.SWAP if ":" in symbol else MarketType.SPOT


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("|".join(parts).encode(), digest_size=12).hexdigest()
