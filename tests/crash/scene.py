"""One account, one signal and a worker that is struck at a named point; then somebody else takes over, and
the practice exchange is asked what it took."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from bench import accounts
from bench.children import until
from bench.crash_points import ENTRY, KILL, Strike
from bench.floor import Floor, floor
from bench.nursery import Forked
from portal.db import db, end_read, transaction
from portal.exchanges.sandbox.client import AcceptedOrder
from portal.models import IN_DOUBT, RESTING, UNSETTLED, Execution, ExecutionPosition, Fill, Order
from portal.services import books, sweeper
from portal.trading.types import OrderState, PositionStatus, Protection

STOP_PRICE = "50000"
SPOT, SWAP = "sandbox", "sandboxusdm"
#: Short, so that a request that was held up is too late within a test.
WINDOW_SECONDS = "3"


@contextmanager
def quiet_floor() -> Iterator[Floor]:
    """A floor without a scheduler: the tests say when the sweeper looks."""
    with floor(durable=False, seed=5) as opened:
        opened.env["PORTAL_ORDER_WINDOW_SECONDS"] = WINDOW_SECONDS
        opened.sandbox.set_price("BTCUSDT", 60_000, hold=True)
        yield opened


class Scene:
    """A fresh account on a floor, and what is known of it in the books and at the exchange."""

    def __init__(self, here: Floor, exchange: str = SPOT) -> None:
        self.here, self.exchange = here, exchange
        [keys] = accounts.open_accounts(here, 1, f"scene-{os.urandom(3).hex()}")
        self.name = keys.name
        accounts.connect(here, [keys], exchange)

    def publish(self, **data: Any) -> int:
        kind = "swap" if self.exchange == SWAP else "spot"
        return accounts.publish(self.here, **{"sl": STOP_PRICE, "market_type": kind, **data}).signal_id

    def worker(self, strike: Strike | None = None) -> Forked:
        return self.here.fork("worker", "--concurrency", "3", strike=strike)

    def struck(self, worker: Forked, strike: Strike) -> None:
        """Wait until the worker was hit exactly there: dead or frozen."""
        hit = lambda: [each for each in self.here.nursery.strikes() if each["pid"] == worker.pid]  # noqa: E731
        [told] = until(f"The blow at {strike.point}", hit, 40, 0.01)
        assert told["point"] == strike.point
        if strike.blow == KILL:
            assert worker.wait() == -signal.SIGKILL
        else:
            until("The stillness", lambda: worker.stopped, 10, 0.01)

    def strike(self, point: str, blow: str, kind: str | None = None, **data: Any) -> Forked:
        """Publish to a worker that is struck on the way, and wait for it."""
        strike = Strike(point, blow, kind=kind)
        worker = self.worker(strike)
        self.publish(**data)
        self.struck(worker, strike)
        return worker

    def later(self, seconds: float = 60) -> None:
        """As if that much time had passed since everything that is stored."""
        past = sa.literal(timedelta(seconds=seconds), sa.Interval)
        moments: dict[Any, tuple[str, ...]] = {
            Order: ("sent_at", "not_after", "next_query_at", "last_absent_at"),
            Execution: ("lease_until", "next_attempt_at", "created_at"),
            ExecutionPosition: ("next_close_at", "next_guard_at", "protection_due_since"),
        }
        end_read()
        with transaction() as session:
            session.execute(sa.text("SET LOCAL lock_timeout = '300ms'"))
            for model, names in moments.items():
                # A worker that sleeps in the middle of a transaction keeps its rows to itself.
                free = sa.select(model.id).with_for_update(skip_locked=True)
                aged = {name: getattr(model, name) - past for name in names}
                session.execute(sa.update(model).where(model.id.in_(free)).values(aged))

    def take_over(self, struck: Forked, *, at_once: bool = False) -> None:
        """The lease is over; another worker and the sweeper bring everything to its end. A frozen one then
        wakes up and does what it still means to do, `at_once` while the other is at work."""
        if not at_once:
            self.later()
        self.worker()
        if at_once:
            struck.signal(signal.SIGCONT)
        self.settle()
        if struck.running:
            struck.signal(signal.SIGCONT)
            # A warm stop: what was begun is carried to its end first.
            assert struck.stop() == 0, struck.last_words
            self.settle()

    def settle(self, seconds: float = 40) -> None:
        """Sweep until every execution has an outcome, nothing is in doubt, and guards match what is held."""

        def swept() -> bool:
            if self.settled():
                return True
            sweeper.sweep()
            return False

        until("The end of all doubt", swept, seconds, 0.25)

    def settled(self) -> bool:
        end_read()
        unsettled = [each for each in self.executions() if each.status in UNSETTLED]
        doubtful = [each for each in self.orders() if each.state in IN_DOUBT or self._unread(each)]
        held = {each.id for each in self.positions() if each.status is PositionStatus.OPEN}
        stale = [each for each in self.orders() if each.state in RESTING and each.position_id not in held]
        return not (unsettled or doubtful or stale) and all(map(_is_at_rest, self.positions()))

    def executions(self) -> list[Execution]:
        return self._rows(sa.select(Execution).where(Execution.connection_name == self.name))

    def positions(self) -> list[ExecutionPosition]:
        wanted = sa.select(ExecutionPosition).where(ExecutionPosition.connection_name == self.name)
        return self._rows(wanted.order_by(ExecutionPosition.id))

    def orders(self) -> list[Order]:
        mine = Order.connection.has(name=self.name)
        return self._rows(sa.select(Order).where(mine).order_by(Order.id))

    def fills(self) -> list[Fill]:
        mine = Fill.order_id.in_([each.id for each in self.orders()])
        return self._rows(sa.select(Fill).where(mine).order_by(Fill.id))

    def taken(self, kind: str | None = None) -> list[AcceptedOrder]:
        """What the exchange accepted: everything, or only orders of our entries, closes or guards."""
        roles = {each.client_order_id: _kind(each) for each in self.orders()}
        end_read()
        found = self.here.sandbox.orders(account=self.name)
        return [each for each in found if kind is None or roles.get(each.client_order_id) == kind]

    def requests(self) -> int:
        """Order requests that reached the exchange, refused ones included."""
        return int(self.here.sandbox.requests(self.name, limit=1)["by_endpoint"].get("order", 0))

    def held(self) -> Decimal:
        [row] = self.here.sandbox.accounts(self.name)
        coins = map(Decimal, row["balances"].get("BTC", {}).values()) if self.exchange == SPOT else ()
        return sum((*coins, *(Decimal(each["quantity"]) for each in row["positions"])), Decimal(0))

    def judge(self) -> None:
        """Nothing doubled, nothing unknown, nothing lost, the books are the exchange's, stops match."""
        orders = {each.client_order_id: each for each in self.orders()}
        taken = self.taken()
        assert len({each.client_order_id for each in taken}) == len(taken), "an intent was accepted twice"
        for each in taken:
            assert each.client_order_id in orders, "a ghost"
            assert orders[each.client_order_id].state is not OrderState.NOT_PLACED, "called not placed"
        assert len(self.taken(ENTRY)) == 1
        theirs = {str(each["trade_id"]) for each in self.here.sandbox.fills(account=self.name)}
        assert {each.exchange_fill_id for each in self.fills()} == theirs
        resting = [each for each in taken if each.status == "NEW"]
        opened = [each for each in self.positions() if each.status is PositionStatus.OPEN]
        held = sum((each.quantity + each.dust_quantity for each in self.positions()), Decimal(0))
        assert held == self.held()
        wanted = [each.quantity - each.quantity % each.lot_size for each in opened]
        assert [each.quantity for each in resting] == wanted, "each position has exactly its stop"
        assert books.verify() == []
        end_read()

    @staticmethod
    def _rows(wanted: sa.Select[Any]) -> list[Any]:
        return list(db.session.execute(wanted.execution_options(populate_existing=True)).scalars())

    @staticmethod
    def _unread(order: Order) -> bool:
        return order.closed_at is not None and not order.fills_complete


def _is_at_rest(position: ExecutionPosition) -> bool:
    if position.status is PositionStatus.OPEN:
        return position.protection is Protection.NATIVE and position.protection_due_since is None
    return position.status is PositionStatus.CLOSED


def _kind(order: Order) -> str:
    return "guard" if order.is_guard else "entry" if order.role.value == "entry" else "close"
