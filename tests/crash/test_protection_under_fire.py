"""kill -9 and lost answers while stops are being placed: afterwards every account has exactly one stop at the
exchange, as large as what it holds, and it works."""

import random
from collections import Counter
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bench import accounts, evidence
from bench.children import until
from bench.floor import Floor
from portal.db import db, end_read
from portal.exchanges.sandbox.client import AcceptedOrder
from portal.models import ExecutionPosition, Order
from portal.services import books, monitor
from portal.trading.types import PositionStatus, Protection

pytestmark = pytest.mark.timeout(200)

COUNT = 40
PRICE, STOP, BELOW = 60_000, "58000", 57_000


def stops(here: Floor, names: set[str]) -> list[AcceptedOrder]:
    return [order for order in here.sandbox.orders() if order.trigger_price and order.account in names]


def positions(names: set[str]) -> list[ExecutionPosition]:
    wanted = sa.select(ExecutionPosition).where(ExecutionPosition.connection_name.in_(names))
    found = list(db.session.execute(wanted.execution_options(populate_existing=True)).scalars())
    end_read()
    return found


def all_proved(names: set[str]) -> bool:
    found = positions(names)
    return len(found) == COUNT and all(each.protection is Protection.NATIVE for each in found)


def all_gone(names: set[str]) -> bool:
    resting = sa.select(sa.func.count()).where(Order.is_guard, Order.closed_at.is_(None))
    waits = db.session.scalar(resting)
    return not waits and all(each.status is PositionStatus.CLOSED for each in positions(names))


def checked_and_gone(names: set[str]) -> bool:
    """Not waiting for the minute: the same job, asked for at once."""
    monitor.check_positions()
    return all_gone(names)


def test_guards_when_workers_are_killed_and_answers_lost_then_each_account_has_exactly_one(
    here: Floor,
) -> None:
    here.sandbox.set_price("BTCUSDT", PRICE, hold=True)
    keys = accounts.open_accounts(here, COUNT, "guarded")
    names = {key.name for key in keys}
    accounts.connect(here, keys)
    workers = here.workers(2, 8)
    here.sandbox.add_fault("accept_no_answer", probability=0.04)
    here.sandbox.add_fault("close_before_accept", probability=0.04)
    published = accounts.publish(here, sl=STOP)
    dice = random.Random(5)
    for share in (4, 2):
        until("The stops", lambda share=share: len(stops(here, names)) >= COUNT // share, 90, interval=0.01)
        victim = dice.choice(workers)
        victim.kill()
        here.children.remove(victim)
        workers[workers.index(victim)] = here.child("worker", "--concurrency", "8")
    accounts.wait_settled(published, 90)
    until("Proof for every position", lambda: all_proved(names), 110)
    here.sandbox.clear_faults()

    found = evidence.collect(here, published, keys)
    assert found.problems == []
    resting = [order for order in stops(here, names) if order.status == "NEW"]
    assert Counter(order.account for order in resting) == Counter(names)
    held = {each.connection_name: each.quantity - each.quantity % each.lot_size for each in positions(names)}
    assert {order.account: order.quantity for order in resting} == held

    before = len(here.sandbox.orders())
    here.sandbox.set_price("BTCUSDT", BELOW, hold=True)
    until("The exits", lambda: checked_and_gone(names), 90, interval=2)
    assert len(here.sandbox.orders()) == before, "the stops at the exchange did it, not we"
    assert [order for order in stops(here, names) if order.status == "NEW"] == []
    sold = Counter(fill["account_id"] for fill in here.sandbox.fills() if fill["side"] == "SELL")
    assert {name: sold[name] for name in names} == dict.fromkeys(names, 1)
    assert all(each.quantity < Decimal("0.0001") for each in positions(names))
    assert books.verify() == []
