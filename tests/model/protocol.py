"""The protocol's transactions over plain rows: what the services do between two network calls, with the real
tables of legal moves and the real rules of proof. Nothing here takes time."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from portal.trading.proof import Doubt, end_without_order, may_attempt_again
from portal.trading.transitions import can_move, check_move
from portal.trading.types import ExecutionStatus, OrderState
from tests.model.fates import Fates
from tests.model.rows import IN_DOUBT, RESTING, SETTLED, Database, Execution, Order, Position
from tests.model.rules import Rules
from tests.model.venue import Taken, Venue

LEASE, WINDOW, PLACING, TIMEOUT = 30.0, 5.0, 20.0, 10.0
ASKING, FOLLOW_EVERY, RETRY_CLOSE, RETRY_READ = 30.0, 45.0, 5.0, 2.0
_START = datetime(2026, 1, 1, tzinfo=UTC)


class Step(NamedTuple):
    """A process may stop here for good (`point` of the protocol), and goes on after `delay` seconds."""

    point: str
    delay: float


Actor = Generator[Step, None, None]


@dataclass(slots=True)
class World:
    """The rows, the venue, the time, and what the driver of the model offers."""

    venue: Venue
    fates: Fates
    rules: Rules
    #: Start another process; call something later (a message on its way).
    spawn: Callable[[Actor], None]
    later: Callable[[float, Callable[[], None]], None]
    rows: Database = field(default_factory=Database)
    now: float = 0.0
    tokens: int = 0
    #: Seconds from the intent to the answer, for orders in doubt that existed and for those that did not.
    found_after: list[float] = field(default_factory=list)
    absent_after: list[float] = field(default_factory=list)

    def claimable(self, execution: Execution) -> bool:
        free = execution.token is None or execution.lease_until < self.now
        earlier = self.rows.executions[: execution.number]
        return (
            execution.status is ExecutionStatus.PENDING
            and free
            and execution.next_attempt_at <= self.now
            and all(one.status in SETTLED for one in earlier)
        )

    def claim(self, execution: Execution) -> int | None:
        """T1."""
        if not self.claimable(execution) and (self.rules.claims or execution.status in SETTLED):
            return None
        self.tokens += 1
        execution.token, execution.lease_until = self.tokens, self.now + LEASE
        return self.tokens

    def holds(self, execution: Execution, token: int) -> bool:
        mine = execution.token == token and execution.lease_until > self.now
        return not self.rules.claims or (mine and execution.status is ExecutionStatus.PENDING)

    def release(self, execution: Execution, delay: float) -> None:
        execution.token = None
        execution.attempts += 1
        execution.next_attempt_at = self.now + delay

    def intend(self, leg: Execution | Position) -> Order:
        """T2."""
        number = f"{leg.number}:{leg.generation if isinstance(leg, Execution) else leg.version}"
        name = f"{type(leg).__name__}:{number}:{0 if self.rules.claims else len(self.rows.orders)}"
        order = Order(name, leg, self.now, self.now + WINDOW, self.now + PLACING)
        self.rows.orders.append(order)
        if isinstance(leg, Position):
            leg.closing = True
        elif self.rules.doubts_crashes:
            self.move(leg, ExecutionStatus.IN_FLIGHT)
        return order

    def record_taken(self, order: Order, taken: Taken) -> None:
        """T3: the venue knows the order, as it is now."""
        if order.state is OrderState.UNRESOLVED:
            self.found_after.append(self.now - order.sent_at)
        if taken.filled(self.now):
            new = OrderState.FILLED
        elif taken.waits(self.now):
            new = OrderState.OPEN
        else:
            new = OrderState.CANCELED
        late = new is OrderState.FILLED
        if new is not order.state and can_move(order.state, new, is_late_fill=late):
            order.state = new
        order.next_query_at = self.now + FOLLOW_EVERY if order.state in RESTING else None
        self._follow(order, again_in=None)

    def record_nothing_placed(self, order: Order, *, again: bool, with_code: bool) -> None:
        """T3: proof, from the answer itself."""
        if order.state is not OrderState.IN_FLIGHT:
            return
        self._disown(order, end_without_order(again=again, refused_with_code=with_code), never_taken=True)
        self._follow(order, again_in=1.0 if again else None)

    def record_doubt(self, order: Order) -> None:
        if order.state is OrderState.IN_FLIGHT:
            order.state = OrderState.UNRESOLVED
            self._follow(order, again_in=None)

    def record_absent(self, order: Order, *, may_follow: bool) -> None:
        if order.state not in IN_DOUBT:
            return
        self.absent_after.append(self.now - order.sent_at)
        self._disown(order, OrderState.NOT_PLACED, never_taken=may_follow)
        self._follow(order, again_in=0.0 if may_follow else None)

    def doubt(self, order: Order) -> Doubt:
        """What the row knows, in the words of the real rules."""
        last = order.last_absent_at
        return self.rules.doubt(
            moment(order.not_after),
            self.venue.cell.window,
            order.queries,
            order.absent_answers,
            order.kinds,
            None if last is None else moment(last),
        )

    def move(self, execution: Execution, status: ExecutionStatus, *, late: bool = False) -> None:
        if execution.status is not status:
            check_move(execution.status, status, is_late_fill=late)
            execution.status = status

    def _disown(self, order: Order, state: OrderState, *, never_taken: bool) -> None:
        check_move(order.state, state)
        order.state, order.next_query_at = state, None
        order.disowned_at, order.never_taken = self.now, never_taken

    def _follow(self, order: Order, *, again_in: float | None) -> None:
        if isinstance(order.leg, Position):
            self._follow_close(order, order.leg)
            return
        execution = order.leg
        if order.state is OrderState.NOT_PLACED and again_in is not None:
            attempts, absent = execution.attempts, again_in == 0
            if may_attempt_again(generation=execution.generation, attempts=attempts, proved_absent=absent):
                self.move(execution, ExecutionStatus.PENDING)
                execution.generation += 1
                self.release(execution, again_in)
                return
        if order.state is OrderState.FILLED and all(
            p.number != execution.number for p in self.rows.positions
        ):
            self.rows.positions.append(Position(execution.number))
        status = ExecutionStatus(order.state.value)
        if can_move(execution.status, status, is_late_fill=order.state is OrderState.FILLED):
            execution.status = status

    def _follow_close(self, order: Order, position: Position) -> None:
        if not position.closing or order.client_order_id.split(":")[2] != str(position.version):
            return
        if order.state is OrderState.FILLED:
            position.open = position.closing = position.wanted = False
        elif order.state in (OrderState.REJECTED, OrderState.NOT_PLACED, OrderState.CANCELED):
            position.closing = False
            position.version += 1
            position.next_close_at = self.now + RETRY_CLOSE


def moment(seconds: float) -> datetime:
    return _START + timedelta(seconds=seconds)
