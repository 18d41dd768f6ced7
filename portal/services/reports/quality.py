"""How well signals were carried out: what became of them, how fast, how far from the assumed price."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from portal.db import db
from portal.models import Execution, Order
from portal.services.reports.scope import Scope
from portal.trading.types import ExecutionStatus, OrderRole, Side

#: Upper ends of the bars, in milliseconds; the last bar is open.
LATENCY_MS = (20, 50, 100, 200, 500, 1000, 2000, 5000, 15000)
#: Upper ends of the bars, in basis points.
SLIPPAGE_BPS = (-50, -20, -10, -5, 0, 5, 10, 20, 50)
#: When it could be taken by a worker: at its publication, or when a person let it run again.
BEGUN = sa.func.coalesce(Execution.rerun_at, Execution.created_at)
#: The steps of an execution: from which moment to which.
STEPS = (
    ("queue", BEGUN, Execution.claimed_at),
    ("read", Execution.claimed_at, Execution.read_at),
    ("plan", Execution.read_at, Execution.intended_at),
    ("place", Execution.intended_at, Execution.answered_at),
    ("record", Execution.answered_at, Execution.finished_at),
    ("total", BEGUN, Execution.answered_at),
)


@dataclass(frozen=True, slots=True)
class Step:
    """Milliseconds of one step (or `total`: publication to the exchange's answer)."""

    name: str
    count: int
    p50: int
    p90: int
    p99: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason why signals were not carried out. `example` is one of its sentences."""

    code: str
    count: int
    example: str


def outcomes(scope: Scope) -> list[tuple[ExecutionStatus, int]]:
    """Executions of the period by status, the most frequent first. Of all currencies: what was never placed
    has none."""
    count = sa.func.count()
    rows = db.session.execute(
        sa.select(Execution.status, count)
        .where(*_made(scope))
        .group_by(Execution.status)
        .order_by(count.desc())
    ).all()
    return [(status, number) for status, number in rows]


def refusals(scope: Scope, limit: int = 8) -> list[Refusal]:
    """Why executions were denied, rejected or not placed, the most frequent reasons first."""
    count = sa.func.count()
    rows = db.session.execute(
        sa.select(Execution.code, count, sa.func.max(Execution.message))
        .where(
            *_made(scope),
            Execution.code.is_not(None),
            Execution.status.in_(
                (
                    ExecutionStatus.DENIED,
                    ExecutionStatus.REJECTED,
                    ExecutionStatus.NOT_PLACED,
                    ExecutionStatus.EXPIRED,
                )
            ),
        )
        .group_by(Execution.code)
        .order_by(count.desc(), Execution.code)
        .limit(limit)
    ).all()
    return [Refusal(code or "", number, message or "") for code, number, message in rows]


def steps(scope: Scope) -> list[Step]:
    """Percentiles of each step, in the order in which they happen; steps that never happened are left out."""
    columns: list[Any] = []
    for _name, start, end in STEPS:
        elapsed = _ms(start, end)
        columns.append(sa.func.count(elapsed))
        columns += [sa.func.percentile_disc(share).within_group(elapsed) for share in (0.5, 0.9, 0.99)]
    row = db.session.execute(sa.select(*columns).where(*_made(scope))).one()
    found = []
    for place, (name, _start, _end) in enumerate(STEPS):
        count, *values = row[place * 4 : place * 4 + 4]
        if count:
            found.append(Step(name, count, *(int(value) for value in values)))
    return found


def latencies(scope: Scope) -> list[int]:
    """How many executions the exchange answered within each of `LATENCY_MS` (and later), from the commit of
    the publication."""
    return _histogram(_ms(BEGUN, Execution.answered_at), LATENCY_MS, Execution, _made(scope))


def slippages(scope: Scope) -> list[int]:
    """How many filled entries were how many basis points worse (negative: better) than assumed."""
    worse = sa.case(
        (Order.side == Side.BUY, Order.average_price - Order.reference_price),
        else_=Order.reference_price - Order.average_price,
    )
    bps = worse / sa.func.nullif(Order.reference_price, 0) * 10_000
    entries = [
        Order.role == OrderRole.ENTRY,
        Order.sent_at >= scope.since,
        Order.average_price.is_not(None),
        Order.execution_id == Execution.id,
        *scope.owned(Execution),
    ]
    return _histogram(bps, SLIPPAGE_BPS, Order, entries)


def _histogram(
    value: Any, ends: Sequence[int], source: Any, conditions: list[sa.ColumnElement[bool]]
) -> list[int]:
    """Counts per bar: up to the first end, up to the second, …, beyond the last."""
    # How many ends a value does not exceed, looked up once per row: `width_bucket` counts from below, ends
    # excluded, hence the signs.
    falling = sa.cast([-end for end in reversed(ends)], ARRAY(sa.Numeric))
    within = sa.func.width_bucket(-sa.cast(value, sa.Numeric), falling)
    rows = db.session.execute(
        sa.select(within, sa.func.count())
        .select_from(source)
        .where(*conditions, value.is_not(None))
        .group_by(sa.text("1"))
    ).all()
    bars = [0] * (len(ends) + 1)
    for number, count in rows:
        bars[len(ends) - number] = count
    return bars


def _made(scope: Scope) -> list[sa.ColumnElement[bool]]:
    return [*scope.owned(Execution), Execution.created_at >= scope.since]


def _ms(start: Any, end: Any) -> Any:
    return sa.func.extract("epoch", end - start) * 1000
