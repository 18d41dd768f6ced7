"""What must hold after any amount of trouble, counted at the exchange and compared with the books."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from bench.accounts import Published
from bench.floor import Floor
from portal.db import db, end_read
from portal.exchanges.sandbox.client import SandboxAccount
from portal.models import UNSETTLED, Execution, ExecutionConnection, ExecutionPosition, Fill
from portal.services import books
from portal.trading.types import ExecutionStatus

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The verdict on one signal. All numbers of orders are the exchange's own."""

    accounts: int
    accepted: int
    #: Accounts with more than one accepted order.
    doubled: tuple[str, ...]
    #: Accounts without an order whose execution does not say that there is none.
    lost: tuple[str, ...]
    #: Executions per status.
    statuses: dict[str, int]
    unresolved: int
    #: Accounts whose fills at the exchange are not the fills, or not the position, in our books.
    off_books: tuple[str, ...]
    disagreements: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """Every broken promise as a sentence; empty when all were kept."""
        named = {
            "accounts with more than one order": self.doubled,
            "accounts whose order was lost": self.lost,
            "accounts whose fills or position differ from the exchange": self.off_books,
            "places where the books disagree": self.disagreements,
        }
        told = [f"{len(found)} {what}: {', '.join(found[:5])}" for what, found in named.items() if found]
        return told + ([f"{self.unresolved} executions without an outcome"] if self.unresolved else [])


def collect(floor: Floor, published: Published, accounts: Sequence[SandboxAccount]) -> Evidence:
    """Compare exchange and database for one signal to these fresh accounts."""
    names = {account.name for account in accounts}
    # Guards rest beside the entry; what must not be doubled is what opens something.
    opening = (order for order in floor.sandbox.orders() if not order.trigger_price)
    orders = Counter(order.account for order in opening if order.account in names)
    executions = _statuses(published.signal_id)
    proved = {ExecutionStatus.NOT_PLACED, ExecutionStatus.EXPIRED, ExecutionStatus.DENIED}
    end_read()
    return Evidence(
        accounts=len(names),
        accepted=sum(orders.values()),
        doubled=tuple(sorted(name for name, count in orders.items() if count > 1)),
        lost=tuple(sorted(name for name in names - orders.keys() if executions.get(name) not in proved)),
        statuses=dict(Counter(status.value for status in executions.values())),
        unresolved=sum(status in UNSETTLED for status in executions.values()),
        off_books=_off_books(floor, names),
        disagreements=tuple(str(each) for each in books.verify()),
    )


def _statuses(signal_id: int) -> dict[str, ExecutionStatus]:
    rows = db.session.execute(
        sa.select(Execution.connection_name, Execution.status).where(Execution.signal_id == signal_id)
    )
    return dict(rows.all())


def _off_books(floor: Floor, names: set[str]) -> tuple[str, ...]:
    """Fills must be the exchange's, one by one; the position must be what they bought, net of fees."""
    at_exchange = Counter((fill["account_id"], str(fill["trade_id"])) for fill in floor.sandbox.fills())
    theirs = {key for key in at_exchange if key[0] in names}
    stored = db.session.execute(
        sa.select(ExecutionConnection.name, Fill.exchange_fill_id)
        .join(ExecutionConnection, ExecutionConnection.id == Fill.connection_id)
        .where(ExecutionConnection.name.in_(names))
    )
    different = {name for name, _ in theirs ^ {(name, fill_id) for name, fill_id in stored}}
    held = _positions(names)
    coins = _coins(floor, names)
    return tuple(sorted(different | {name for name in names if held.get(name, _NONE) != coins[name]}))


def _positions(names: Iterable[str]) -> dict[str, Decimal]:
    rows = db.session.execute(
        sa.select(ExecutionPosition.connection_name, sa.func.sum(ExecutionPosition.quantity))
        .where(ExecutionPosition.connection_name.in_(list(names)))
        .group_by(ExecutionPosition.connection_name)
    )
    return dict(rows.all())


def _coins(floor: Floor, names: set[str]) -> dict[str, Decimal]:
    """What each account holds at the exchange."""
    return {
        row["name"]: sum(map(Decimal, row["balances"].get("BTC", {}).values()), _NONE)
        for row in floor.sandbox.accounts()
        if row["name"] in names
    }
