"""The judge of `portal demo`: what the exchange accepted, beside what the books say. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from portal.db import db, end_read
from portal.exchanges.sandbox.client import SandboxControl
from portal.models import (
    UNSETTLED,
    Execution,
    ExecutionAnalytics,
    ExecutionConnection,
    ExecutionPosition,
    Fill,
    Order,
)
from portal.models.order import NEVER_THERE
from portal.services import demo
from portal.trading.types import OrderRole


@dataclass(frozen=True, slots=True)
class Line:
    """One account, as both sides see it."""

    name: str
    exchange_orders: int
    book_orders: int
    exchange_fills: int
    book_fills: int
    exits: str
    realized_pnl: Decimal


@dataclass(slots=True)
class Verdict:
    """Everything that was compared. Empty `disagreements` means that it really happened."""

    disagreements: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def orders(self) -> int:
        return sum(line.exchange_orders for line in self.lines)

    @property
    def fills(self) -> int:
        return sum(line.exchange_fills for line in self.lines)

    def expect(self, agreed: bool, complaint: str) -> None:
        if not agreed:
            self.disagreements.append(complaint)

    def print(self, console: Console) -> None:
        table = Table("account", "orders", "fills", "closed by", "result, USDT", title="exchange / books")
        for column in table.columns:
            column.no_wrap = True
        for line in self.lines:
            table.add_row(
                line.name,
                f"{line.exchange_orders} / {line.book_orders}",
                f"{line.exchange_fills} / {line.book_fills}",
                line.exits,
                f"{line.realized_pnl:+.2f}",
            )
        console.print(table)
        for each in self.disagreements:
            console.print(f"✘ {each}", style="red", soft_wrap=True)
        if not self.disagreements:
            console.print("✔ The exchange, the positions and the books agree.", style="bold green")


def judge(control: SandboxControl, books: Sequence[str]) -> Verdict:
    """Compare the ledger of the practice exchange with executions, orders, fills, positions and figures."""
    verdict = Verdict(list(books))
    for account, connection_id in sorted(demo.practice_accounts().items(), key=lambda item: item[1]):
        _compare(control, account, connection_id, verdict)
    total = _count(Order, Order.connection_id.is_(None))
    verdict.expect(total == 0, f"{total} orders belong to no connection.")
    unsettled = _count(Execution, Execution.status.in_(UNSETTLED))
    verdict.expect(unsettled == 0, f"{unsettled} executions are not settled.")
    trades = db.session.execute(sa.select(sa.func.sum(ExecutionAnalytics.trades))).scalar_one() or 0
    closed = _count(ExecutionPosition, ExecutionPosition.closed_at.is_not(None))
    verdict.expect(
        trades == closed, f"The nightly figures count {trades} trades, {closed} positions were closed."
    )
    verdict.expect(closed > 0, "No position was closed.")
    end_read()
    return verdict


def _compare(control: SandboxControl, account: str, connection_id: int, verdict: Verdict) -> None:
    name = db.session.get_one(ExecutionConnection, connection_id).name
    there = {order.client_order_id: order for order in control.orders(account=account)}
    here = {order.client_order_id: order for order in _orders(connection_id)}
    accepted = control.counts().get(account, 0)
    verdict.expect(accepted == len(there), f"{name}: {accepted} orders were accepted under {len(there)} ids.")
    verdict.expect(set(there) == set(here), f"{name}: {len(there)} orders at the exchange, {len(here)} here.")
    children = {order.order_id: order for order in control.orders(account=account, origin="any")}
    for order_id in set(there) & set(here):
        # A conditional order is filled as the order that it places when it triggers.
        working = children.get(there[order_id].actual_order_id, there[order_id])
        filled, booked = working.filled_quantity, here[order_id].filled_quantity
        verdict.expect(filled == booked, f"{name}: order {order_id} filled {filled}, here {booked}.")
    entries = sum(order.role is OrderRole.ENTRY for order in here.values())
    verdict.expect(entries == 1, f"{name}: {entries} entry orders for one signal.")
    fills = len(control.fills(account=account)), _count(Fill, Fill.connection_id == connection_id)
    verdict.expect(fills[0] == fills[1], f"{name}: {fills[0]} fills at the exchange, {fills[1]} here.")
    waiting = [order for order in there.values() if order.status in ("NEW", "PARTIALLY_FILLED")]
    verdict.expect(not waiting, f"{name}: {len(waiting)} orders still rest at the exchange.")
    for held in control.accounts(account)[0]["positions"]:
        verdict.expect(False, f"{name}: the exchange still holds {held['quantity']} {held['symbol']}.")
    reasons, pnl = _exits(name, connection_id, verdict)
    verdict.lines.append(Line(name, len(there), len(here), *fills, reasons, pnl))


def _exits(name: str, connection_id: int, verdict: Verdict) -> tuple[str, Decimal]:
    query = sa.select(ExecutionPosition).where(ExecutionPosition.connection_id == connection_id)
    positions = list(db.session.execute(query).scalars())
    verdict.expect(len(positions) == 1, f"{name}: {len(positions)} positions for one signal.")
    reasons = [position.closed_reason.value if position.closed_reason else "open" for position in positions]
    verdict.expect("open" not in reasons, f"{name}: a position is still open in the books.")
    return ", ".join(reasons), sum((position.realized_pnl for position in positions), Decimal(0))


def _orders(connection_id: int) -> Sequence[Order]:
    query = sa.select(Order).where(Order.connection_id == connection_id, Order.state.not_in(NEVER_THERE))
    return db.session.execute(query).scalars().all()


def _count(
    model: type[Order | Fill | Execution | ExecutionPosition], condition: sa.ColumnElement[bool]
) -> int:
    return db.session.execute(sa.select(sa.func.count()).select_from(model).where(condition)).scalar_one()
