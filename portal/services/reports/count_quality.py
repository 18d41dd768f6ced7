"""Counts executions and entries: what became of them, how long they took, how far they slipped. Reads
only."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from portal.db import db
from portal.models import Execution, Order
from portal.services.reports.count_results import SLIPPED_BPS
from portal.services.reports.stretch import Stretch
from portal.trading.types import OrderRole

#: Upper ends of the bars, in milliseconds; the last bar is open.
LATENCY_MS = (20, 50, 100, 200, 500, 1000, 2000, 5000, 15000)
#: Upper ends of the bars, in basis points.
SLIPPAGE_BPS = (-50, -20, -10, -5, 0, 5, 10, 20, 50)
#: When it could be taken by a worker: at its publication, or when a person let it run again.
_BEGUN = sa.func.coalesce(Execution.rerun_at, Execution.created_at)
#: The steps of an execution: from which moment to which.
STEPS = (
    ("queue", _BEGUN, Execution.claimed_at),
    ("read", Execution.claimed_at, Execution.read_at),
    ("plan", Execution.read_at, Execution.intended_at),
    ("place", Execution.intended_at, Execution.answered_at),
    ("record", Execution.answered_at, Execution.finished_at),
    ("total", _BEGUN, Execution.answered_at),
)
_LATENCY = "latency"


def endings(stretch: Stretch) -> dict[tuple[str, str | None], tuple[int, str]]:
    """Executions made in the stretch by status and code, each with one message. Of all currencies: what was
    never placed has none."""
    # Compared byte by byte, which is the same on every database.
    example = sa.func.coalesce(sa.func.max(Execution.message.collate("C")), "")
    rows = db.session.execute(
        sa.select(Execution.status, Execution.code, sa.func.count(), example)
        .where(*stretch.holds(Execution, Execution.created_at))
        .group_by(Execution.status, Execution.code)
    ).all()
    return {(status.value, code): (number, message) for status, code, number, message in rows}


def times(stretch: Stretch) -> tuple[dict[str, Counter[int]], Counter[int]]:
    """How many executions took how many whole milliseconds in each step; and in how many the exchange had
    answered within each of `LATENCY_MS` (and later), from the commit of the publication."""
    spent = {name: _ms(start, end) for name, start, end in STEPS}
    whole = {name: sa.cast(sa.func.trunc(ms), sa.BigInteger) for name, ms in spent.items()}
    whole[_LATENCY] = _bar(spent["total"], LATENCY_MS)
    each = (
        sa.select(*(value.label(name) for name, value in whole.items()))
        .where(*stretch.holds(Execution, Execution.created_at))
        .subquery()
    )
    value = sa.func.coalesce(*each.c)
    rows = db.session.execute(
        sa.select(
            sa.case(*((sa.func.grouping(each.c[name]) == 0, name) for name in whole)), value, sa.func.count()
        )
        .group_by(sa.func.grouping_sets(*(sa.tuple_(column) for column in each.c)))
        .having(value.is_not(None))
    ).all()
    found: dict[str, Counter[int]] = {}
    for step, value, number in rows:
        found.setdefault(step, Counter())[value] = number
    return found, found.pop(_LATENCY, Counter())


def slippages(stretch: Stretch) -> Counter[int]:
    """How many entries filled in the stretch were how many basis points worse (negative: better) than
    assumed."""
    bar = _bar(SLIPPED_BPS, SLIPPAGE_BPS)
    # Which entries have a bar is asked of the columns: the bar itself would be computed of everybody's.
    entries = [Order.role == OrderRole.ENTRY, Order.average_price.is_not(None), Order.reference_price != 0]
    rows = sa.select(bar, sa.func.count()).where(*entries)
    if stretch.owner_id is not None:
        rows = rows.join(Execution, Execution.id == Order.execution_id)
    holds = stretch.holds(Execution, Order.sent_at)
    return Counter(dict(db.session.execute(rows.where(*holds).group_by(sa.text("1"))).all()))


def _bar(value: Any, ends: Sequence[int]) -> Any:
    """The place of the first end that it does not exceed; NULL without a value."""
    # Looked up once per row: `width_bucket` counts from below, ends excluded, hence the signs.
    falling = sa.cast([-end for end in reversed(ends)], ARRAY(sa.Numeric))
    return len(ends) - sa.func.width_bucket(-sa.cast(value, sa.Numeric), falling)


def _ms(start: Any, end: Any) -> Any:
    return sa.func.extract("epoch", end - start) * 1000
