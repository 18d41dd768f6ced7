"""The record of what venues were asked about orders in doubt, and of what they answered. Only adds rows; asks
nobody itself."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.db import db, transaction
from portal.logs import scrub
from portal.models import OrderQuestion
from portal.trading.orders import OrderReport
from portal.trading.types import Answer, QuestionKind


def found(order_id: int, asked_at: datetime, duration_ms: int, report: OrderReport) -> None:
    """The venue has it. Commits; a repeat adds another row, as do all of these."""
    message = f"It is {report.state.value.replace('_', ' ')}, {report.filled_quantity} filled"
    _keep(
        order_id,
        Answer.FOUND,
        asked_at=asked_at,
        duration_ms=duration_ms,
        exchange_order_id=report.exchange_order_id,
        message=message,
    )


def not_found(
    order_id: int, asked_at: datetime, duration_ms: int, kinds: Collection[str], *, counted: bool
) -> None:
    """Endpoints of these kinds answered and do not have it; `counted` when that is part of a proof.
    Commits."""
    _keep(
        order_id,
        Answer.NOT_FOUND,
        asked_at=asked_at,
        duration_ms=duration_ms,
        absent_from=sorted(kinds),
        counted=counted,
    )


def failed(order_id: int, asked_at: datetime, duration_ms: int, error: Exception) -> None:
    """There was no answer, for this reason. Commits."""
    _keep(order_id, Answer.FAILED, asked_at=asked_at, duration_ms=duration_ms, **reason_of(error))


def reason_of(error: Exception) -> dict[str, str]:
    """The columns that say why. Scrubbed."""
    code = getattr(error, "code", None)
    message = str(getattr(error, "message", error))
    return {"code": getattr(code, "value", None) or type(error).__name__, "message": scrub(message)[:1000]}


def add(order_id: int, kind: QuestionKind, answer: Answer, **facts: Any) -> OrderQuestion:
    """Add a row to the running transaction. Does not commit."""
    row = OrderQuestion(order_id=order_id, kind=kind, answer=answer, **facts)
    db.session.add(row)
    return row


def latest(order_id: int, limit: int = 60) -> list[OrderQuestion]:
    """The last questions about one order, newest first. Reads only."""
    wanted = sa.select(OrderQuestion).where(OrderQuestion.order_id == order_id)
    return list(db.session.scalars(wanted.order_by(OrderQuestion.id.desc()).limit(limit)))


def count(order_id: int) -> dict[str, int]:
    """How many answers of each sort there were. Reads only."""
    rows = db.session.execute(
        sa.select(OrderQuestion.answer, sa.func.count())
        .where(OrderQuestion.order_id == order_id, OrderQuestion.kind == QuestionKind.ASK)
        .group_by(OrderQuestion.answer)
    )
    return {answer.value: number for answer, number in rows}


def _keep(order_id: int, answer: Answer, **facts: Any) -> None:
    with transaction():
        add(order_id, QuestionKind.ASK, answer, **facts)
