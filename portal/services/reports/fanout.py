"""What became of one signal on all accounts: how often what, why not, and how long each step took. Reads
only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.models import UNSETTLED, Execution, Order
from portal.services.reports.count_quality import STEPS
from portal.trading.denials import DenialCode
from portal.trading.transitions import RERUN_FROM
from portal.trading.types import ExecutionStatus, OrderRole, OrderState

#: Reasons beyond these are read in the list of executions.
_REASONS = 20
_REFUSED = (*RERUN_FROM, ExecutionStatus.REJECTED, ExecutionStatus.UNRESOLVED, ExecutionStatus.PENDING)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why `count` executions stand where they do. `remedy` says what to change; empty when the venue's own
    words in `what` have to do."""

    status: ExecutionStatus
    code: str
    count: int
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Step:
    """Milliseconds that one step took, on `count` accounts. `filled` is from sending to the recorded fill,
    `total` from the publication to the exchange's answer."""

    name: str
    count: int
    p50: int
    p95: int
    longest: int


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    outcomes: Sequence[tuple[ExecutionStatus, int]]
    reasons: Sequence[Reason]
    steps: Sequence[Step]

    @property
    def total(self) -> int:
        """Accounts that it reached."""
        return sum(count for _, count in self.outcomes)

    @property
    def unsettled(self) -> int:
        """Accounts without an outcome."""
        return sum(count for status, count in self.outcomes if status in UNSETTLED)

    @property
    def came_to_nothing(self) -> int:
        """Accounts on which nothing was placed, so that it may be worth to run them again."""
        return sum(count for status, count in self.outcomes if status in RERUN_FROM)


def report(signal_id: int) -> Report:
    """What is known of the signal now."""
    return Report(_outcomes(signal_id), _reasons(signal_id), [*_steps(signal_id), *_filled(signal_id)])


def _outcomes(signal_id: int) -> list[tuple[ExecutionStatus, int]]:
    count = sa.func.count()
    rows = db.session.execute(
        sa.select(Execution.status, count)
        .where(Execution.signal_id == signal_id)
        .group_by(Execution.status)
        .order_by(count.desc(), Execution.status)
    )
    return [(status, number) for status, number in rows]


def _reasons(signal_id: int) -> list[Reason]:
    count = sa.func.count()
    rows = db.session.execute(
        sa.select(Execution.status, Execution.code, count, sa.func.max(Execution.message))
        .where(Execution.signal_id == signal_id, Execution.code.is_not(None), Execution.status.in_(_REFUSED))
        .group_by(Execution.status, Execution.code)
        .order_by(count.desc(), Execution.code)
        .limit(_REASONS)
    )
    return [_reason(status, code or "", number, example or "") for status, code, number, example in rows]


def _reason(status: ExecutionStatus, code: str, count: int, example: str) -> Reason:
    """With one account its own sentence; with several the one that holds for all."""
    if code not in set(DenialCode):
        return Reason(status, code, count, example, "")
    words = DenialCode(code).words
    if count == 1 and example.endswith(words.remedy):
        return Reason(status, code, count, example.removesuffix(words.remedy).strip(), words.remedy)
    return Reason(status, code, count, words.what, words.remedy)


def _steps(signal_id: int) -> list[Step]:
    columns = [column for _name, start, end in STEPS for column in _figures(_ms(start, end))]
    row = db.session.execute(sa.select(*columns).where(Execution.signal_id == signal_id)).one()
    groups = [(name, row[place * 4 : place * 4 + 4]) for place, (name, _s, _e) in enumerate(STEPS)]
    return [_step(name, values) for name, values in groups if values[0]]


def _filled(signal_id: int) -> list[Step]:
    row = db.session.execute(
        sa.select(*_figures(_ms(Order.sent_at, Order.closed_at)))
        .join(Execution, Execution.id == Order.execution_id)
        .where(
            Execution.signal_id == signal_id, Order.role == OrderRole.ENTRY, Order.state == OrderState.FILLED
        )
    ).one()
    return [_step("filled", row)] if row[0] else []


def _figures(elapsed: Any) -> list[Any]:
    shares = (sa.func.percentile_disc(share).within_group(elapsed) for share in (0.5, 0.95))
    return [sa.func.count(elapsed), *shares, sa.func.max(elapsed)]


def _step(name: str, values: Sequence[Any]) -> Step:
    count, *figures = values
    p50, p95, longest = (round(figure) for figure in figures)
    return Step(name, count, p50, p95, longest)


def _ms(start: Any, end: Any) -> Any:
    return sa.func.extract("epoch", end - start) * 1000
