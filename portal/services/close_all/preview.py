"""What closing everything in a scope would close, per account and in money, before anybody says yes. Reads
only."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from portal.db import db, spelled
from portal.models import RESTING, ExecutionConnection, ExecutionPosition, Order
from portal.models.position import HELD
from portal.services.close_all.scopes import Scope, of_orders, of_positions
from portal.trading.types import ConnectionMode, OrderRole


@dataclass(slots=True)
class Account:
    """What a wish would close on one connection."""

    connection_id: int | None
    name: str
    exchange_name: str
    is_live: bool
    positions: int = 0
    #: Of these, a close of everything is under way already.
    closing: int = 0
    #: Of these, the price is not known: they are worth what they cost.
    unpriced: int = 0
    #: What they are worth at the last accepted prices, by quote currency.
    notional: dict[str, Decimal] = field(default_factory=dict)


def preview(scope: Scope) -> list[Account]:
    """What is open in `scope` now, per connection, most positions first. One query."""
    position = ExecutionPosition
    price = sa.func.coalesce(position.mark_price, position.average_entry_price, 0)
    worth = position.quantity * position.contract_size * sa.case((position.linear, price), else_=1)
    asked = sa.and_(position.close_reason.is_not(None), position.close_quantity.is_(None))
    groups = (
        position.connection_id, position.connection_name, ExecutionConnection.exchange_name,
        ExecutionConnection.mode, position.quote,
    )  # fmt: skip
    rows = db.session.execute(
        sa.select(
            *groups, sa.func.count(), sa.func.count().filter(asked),
            sa.func.count().filter(position.mark_price.is_(None)), sa.func.sum(worth),
        )
        .outerjoin(ExecutionConnection, ExecutionConnection.id == position.connection_id)
        .where(position.status.in_(spelled(*HELD)), of_positions(scope))
        .group_by(*groups)
        .order_by(position.connection_name, position.connection_id, position.quote)
    )  # fmt: skip
    found: dict[Any, Account] = {}
    for connection_id, name, exchange_name, mode, quote, count, closing, unpriced, notional in rows:
        empty = Account(connection_id, name, exchange_name or "", mode is ConnectionMode.LIVE)
        account = found.setdefault((connection_id, name), empty)
        account.positions += count
        account.closing += closing
        account.unpriced += unpriced
        account.notional[quote] = notional
    return sorted(found.values(), key=lambda account: -account.positions)


def totals(accounts: list[Account]) -> dict[str, Decimal]:
    """What all of them are worth, by currency."""
    sums: dict[str, Decimal] = {}
    for account in accounts:
        for currency, notional in account.notional.items():
            sums[currency] = sums.get(currency, Decimal(0)) + notional
    return sums


def waiting_entries(scope: Scope) -> int:
    """Entries in `scope` that rest at exchanges: no positions, so that closing leaves them alone."""
    resting = sa.select(sa.func.count()).select_from(Order).where(
        Order.role == OrderRole.ENTRY, Order.state.in_(spelled(*RESTING)), of_orders(scope)
    )  # fmt: skip
    return db.session.execute(resting).scalar_one()
