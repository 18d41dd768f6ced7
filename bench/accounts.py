"""Accounts on the practice exchange and the connections that use them, in bulk; signals to all of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from bench.children import until
from bench.floor import Floor
from portal.db import db, end_read, transaction
from portal.exchanges.sandbox.client import AcceptedOrder, SandboxAccount
from portal.models import UNSETTLED, Execution, ExecutionConnection, User
from portal.services import signals, sweeper
from portal.trading.types import ConnectionMode

SYMBOL, PAIR = "BTCUSDT", "BTC/USDT"


@dataclass(frozen=True, slots=True)
class Published:
    signal_id: int
    executions: int
    #: Monotonic nanoseconds right after the commit, before any job is queued.
    committed_ns: int


def open_accounts(floor: Floor, count: int, prefix: str) -> list[SandboxAccount]:
    """New accounts at the exchange with plenty of money."""
    return floor.sandbox.create_accounts(count, prefix, balances={"USDT": 1_000_000})


def connect(floor: Floor, accounts: Sequence[SandboxAccount], exchange: str = "sandbox") -> None:
    """An admin-owned connection for each account; all other connections are switched off."""
    with transaction() as session:
        session.execute(sa.update(ExecutionConnection).values(is_active=False))
        for account in accounts:
            row = ExecutionConnection(
                name=account.name, exchange_name=exchange, mode=ConnectionMode.PAPER, is_admin_owned=True,
                admin_id=floor.admin_id,
            )  # fmt: skip
            row.set_credentials(account.credentials)
            session.add(row)


def publish(floor: Floor, **data: object) -> Published:
    """Publish a signal to every active connection and note the moment of the commit."""
    author = db.session.get_one(User, floor.admin_id)
    commits: list[int] = []

    def note(session: Session) -> None:
        commits.append(time.monotonic_ns())

    event.listen(db.session, "after_commit", note, insert=True)
    try:
        done = signals.submit(
            {"currency_pair": PAIR, "direction": "buy", **data}, author=author, source="api", publish=True
        )
    finally:
        event.remove(db.session, "after_commit", note)
    end_read()
    return Published(done.signal_id, done.executions, commits[0])


def accepted_since(floor: Floor, committed_ns: int) -> list[AcceptedOrder]:
    """The exchange's own record of what it took after that moment, oldest first."""
    orders = floor.sandbox.orders(symbol=SYMBOL)
    return sorted(
        (order for order in orders if order.accepted_monotonic_ns >= committed_ns),
        key=lambda order: order.accepted_monotonic_ns,
    )


def wait_settled(published: Published, seconds: float) -> None:
    """Until every execution of the signal has an outcome. Raises TimeoutError."""
    until("The end of the fan-out", lambda: unsettled(published.signal_id) == 0, seconds, interval=0.2)


def settle(published: Published, seconds: float) -> int:
    """`wait_settled` on a floor without a scheduler: sweeps when nothing has ended for long. Returns how many
    jobs the sweeps asked for again."""
    asked, deadline = 0, time.monotonic() + seconds
    while True:
        try:
            wait_settled(published, 30)
        except TimeoutError:
            if time.monotonic() > deadline:
                raise
            asked += sum(sweeper.sweep().values())
        else:
            return asked


def outcomes(signal_id: int) -> list[str]:
    """What became of the signal's executions, in words, for a measurement that did not go as planned."""
    wanted = sa.select(Execution.status, Execution.message, sa.func.count()).where(
        Execution.signal_id == signal_id
    )
    rows = db.session.execute(wanted.group_by(Execution.status, Execution.message)).all()
    end_read()
    return [f"{count} {status.value}: {message or 'no message'}" for status, message, count in rows]


def unsettled(signal_id: int) -> int:
    """Executions of the signal without an outcome."""
    wanted = sa.select(sa.func.count()).where(
        Execution.signal_id == signal_id, Execution.status.in_(UNSETTLED)
    )
    left = db.session.execute(wanted).scalar_one()
    end_read()
    return left
