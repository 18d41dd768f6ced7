"""Letting executions that came to nothing run again, when a person asks for it. Exactly-once holds: nothing
that has an order, or may have one, ever begins anew."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import aliased, joinedload

from portal.db import db, request_job, spelled, transaction
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import Execution, ExecutionConnection, ExecutionPosition, Order, Signal
from portal.services import audit, fanout, journal, outcomes, planning
from portal.trading.proof import DECLARED_NOT_PLACED, MAX_GENERATIONS, PROVED_ABSENT, shows_no_trace
from portal.trading.transitions import RERUN_FROM
from portal.trading.types import ExecutionStatus, OrderRole, OrderState, SignalAction

#: Executions of one transaction: publications wait meanwhile.
_AT_ONCE = 100
#: Later signals that ended like this have changed nothing on the account.
_WITHOUT_EFFECT = (*RERUN_FROM, ExecutionStatus.REJECTED)
_HAS_ORDER = "An order was sent for it, which was or may have been taken. Publish a new signal instead."
_DECLARED = (
    "Somebody declared its order not placed. Should that have been a mistake, a second order would double it;"
    " publish a new signal when you are sure."
)
_LAST_ORDER = "Its last order was proved absent by silence, and after that no further order may follow."
_NO_PROOF = (
    "The exchange could have taken its order and ended it unfilled, so no second one follows. Publish a new"
    " signal instead."
)
_OVERTAKEN = "A later signal on this symbol went ahead on this account. Publish a new signal instead."


@dataclass(frozen=True, slots=True)
class Outlook:
    """How many executions of a signal can run again, and why the others cannot, with how many of each."""

    again: int = 0
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Case:
    """One execution and all that decides about it."""

    execution: Execution
    orders: Sequence[Order]
    #: A later signal of the lane went ahead.
    overtaken: bool
    #: A position was asked to close for it.
    asked_to_close: bool

    @property
    def generation(self) -> int:
        """The next one: unused client order ids are kept."""
        return max([self.execution.generation, *(order.generation + 1 for order in self.orders)])


def run_again(execution_id: int, *, actor: audit.Actor) -> None:
    """Let one execution begin anew. Raises NotFoundError, and ConflictError with the reason why it must not.
    Commits; a repeat is refused, because then it waits already, or has an order."""
    with transaction() as session:
        fanout.lock_publications(session())
        cases = list(_cases([execution_id], lock=True))
        if not cases:
            raise NotFoundError(f"execution {execution_id} does not exist; nothing was run")
        (case,) = cases
        refused = _refusal(case)
        if refused:
            raise ConflictError(f"It was not run again. {refused}")
        audit.record(
            actor,
            "portal.execution.rerun",
            "execution",
            execution_id,
            status=case.execution.status.value,
            code=case.execution.code,
        )
        _begin(case)


def run_signal_again(signal_id: int, *, actor: audit.Actor) -> Outlook:
    """Let every execution of a signal begin anew that may. Returns how many do, and why the others do not.
    Raises NotFoundError. Commits in parts; a repeat finds nothing left to do."""
    if db.session.get(Signal, signal_id) is None:
        raise NotFoundError(f"signal {signal_id} does not exist; nothing was run")
    again, refused = 0, Counter[str]()
    for ids in _parts(signal_id):
        with transaction() as session:
            fanout.lock_publications(session())
            begun = []
            for case in _cases(ids, lock=True):
                why = _refusal(case)
                if why:
                    refused[why] += 1
                    continue
                _begin(case)
                begun.append(case.execution.id)
            if begun:
                audit.record(actor, "portal.signal.rerun", "signal", signal_id, executions=begun)
        again += len(begun)
    return Outlook(again, refused)


def outlook(signal_id: int) -> Outlook:
    """What `run_signal_again` would do now. Reads only."""
    reasons = [_refusal(case) for ids in _parts(signal_id) for case in _cases(ids)]
    refused = Counter(filter(None, reasons))
    return Outlook(len(reasons) - refused.total(), refused)


def why_not(execution_id: int) -> str:
    """Why an execution cannot run again now; empty when it can. Reads only. Raises NotFoundError."""
    for case in _cases([execution_id]):
        return _refusal(case)
    raise NotFoundError(f"execution {execution_id} does not exist")


def _parts(signal_id: int) -> Iterator[list[int]]:
    found = sa.select(Execution.id).where(
        Execution.signal_id == signal_id, Execution.status.in_(tuple(RERUN_FROM))
    )
    ids = list(db.session.execute(found.order_by(Execution.id)).scalars())
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]


def _cases(ids: Sequence[int], *, lock: bool = False) -> Iterator[_Case]:
    """Orders are locked before executions, as by whoever records an answer."""
    orders_of: dict[int, list[Order]] = {}
    orders, executions = _orders(ids), _executions(ids)
    if lock:
        orders = orders.with_for_update(key_share=True)
        executions = executions.with_for_update(key_share=True, of=Execution)
    for order in db.session.execute(orders).scalars():
        orders_of.setdefault(order.execution_id or 0, []).append(order)
    rows = db.session.execute(executions).scalars().all()
    overtaken = set(db.session.execute(_overtaken(ids)).scalars())
    closing = set(
        db.session.execute(
            sa.select(ExecutionPosition.close_execution_id).where(
                ExecutionPosition.close_execution_id.in_(ids)
            )
        ).scalars()
    )
    for row in rows:
        yield _Case(row, orders_of.get(row.id, []), row.id in overtaken, row.id in closing)


def _orders(ids: Sequence[int]) -> sa.Select[Order]:
    orders = sa.select(Order).where(Order.execution_id.in_(ids)).order_by(Order.id)
    return orders.execution_options(populate_existing=True)


def _executions(ids: Sequence[int]) -> sa.Select[Execution]:
    return (
        sa.select(Execution)
        .options(
            joinedload(Execution.signal),
            joinedload(Execution.connection).joinedload(ExecutionConnection.preset),
        )
        .where(Execution.id.in_(ids))
        .order_by(Execution.id)
        .execution_options(populate_existing=True)
    )


def _overtaken(ids: Sequence[int]) -> sa.Select[int]:
    later = aliased(Execution)
    ahead = sa.exists().where(
        later.connection_id == Execution.connection_id,
        later.lane == Execution.lane,
        later.sequence > Execution.sequence,
        later.status.not_in(spelled(*_WITHOUT_EFFECT)),
    )
    return sa.select(Execution.id).where(Execution.id.in_(ids), ahead)


def _refusal(case: _Case) -> str:
    """Why it must not begin anew; empty when it may."""
    execution = case.execution
    if execution.status not in RERUN_FROM:
        status = execution.status.value.replace("_", " ")
        return f"It is {status}; only what was denied, has expired or was not placed can be run again."
    if execution.signal is None or execution.connection is None:
        return "Its signal or its connection was deleted."
    return _order_refusal(case) or (_OVERTAKEN if case.overtaken else _early(execution))


def _order_refusal(case: _Case) -> str:
    if case.asked_to_close or (case.orders and case.execution.action is SignalAction.CLOSE):
        return _HAS_ORDER
    for order in case.orders:
        gone = order.state is OrderState.NOT_PLACED and order.role is OrderRole.ENTRY
        if not gone or order.filled_quantity > 0:
            return _HAS_ORDER
        if order.error_code == DECLARED_NOT_PLACED:
            return _DECLARED
        if order.error_code == PROVED_ABSENT and not shows_no_trace(order.absent_from):
            return _NO_PROOF
        if order.error_code == PROVED_ABSENT and case.generation >= MAX_GENERATIONS:
            return _LAST_ORDER
    return ""


def _early(execution: Execution) -> str:
    """What would deny it again before the exchange is asked: its age first of all."""
    connection, signal = execution.connection, execution.signal
    if connection is None or signal is None:
        return ""
    try:
        rules = planning.rules_of(connection)
    except ValidationError as error:
        return f"The preset of the connection cannot be used: {error.message}"
    denial = planning.early_denial(connection, rules, planning.terms_of(signal))
    return f"It would be denied again: {denial.message}" if denial is not None else ""


def _begin(case: _Case) -> None:
    execution = case.execution
    before = execution.status.value.replace("_", " ")
    why = f" ({execution.code}: {execution.message})" if execution.code else ""
    outcomes.begin_again(execution, case.generation)
    journal.note(
        "run_again", f"Run again by an administrator. Before, it was {before}{why}", execution=execution
    )
    request_job("run_execution", execution.id)
