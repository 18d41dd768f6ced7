"""The rows that the protocol keeps, without a database: what is here survives a crash, nothing else does."""

from dataclasses import dataclass, field

from portal.trading.types import ExecutionStatus, OrderState

SETTLED = frozenset(ExecutionStatus) - {
    ExecutionStatus.PENDING,
    ExecutionStatus.IN_FLIGHT,
    ExecutionStatus.UNRESOLVED,
}
IN_DOUBT = (OrderState.IN_FLIGHT, OrderState.UNRESOLVED)
RESTING = (OrderState.OPEN, OrderState.PARTIALLY_FILLED)


@dataclass(slots=True, eq=False)
class Execution:
    number: int
    #: The dedupe key of its signal: what somebody meant to do once.
    key: str
    created_at: float
    #: A signal older than this is not traded.
    oldest: float
    status: ExecutionStatus = ExecutionStatus.PENDING
    generation: int = 0
    attempts: int = 0
    token: int | None = None
    lease_until: float = 0.0
    next_attempt_at: float = 0.0


@dataclass(slots=True, eq=False)
class Position:
    number: int
    open: bool = True
    closing: bool = False
    wanted: bool = False
    version: int = 0
    next_close_at: float = 0.0


@dataclass(slots=True, eq=False)
class Order:
    client_order_id: str
    leg: Execution | Position
    sent_at: float
    not_after: float
    next_query_at: float | None
    state: OrderState = OrderState.IN_FLIGHT
    queries: int = 0
    absent_answers: int = 0
    kinds: frozenset[str] = frozenset()
    last_absent_at: float | None = None
    #: When the system said that this order does not exist, and whether it vouched that it never did.
    disowned_at: float | None = None
    never_taken: bool = False


@dataclass(slots=True)
class Database:
    """All rows. Whoever changes them does so between two yields: that is a transaction."""

    keys: set[str] = field(default_factory=set)
    executions: list[Execution] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
