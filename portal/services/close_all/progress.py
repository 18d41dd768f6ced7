"""How far a wish to close everything in a scope has come: what is closed, what is on its way, what failed and
why. Reads only; the rows of the positions are the truth."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from portal.db import db
from portal.models import CloseWish, ExecutionLog, ExecutionPosition, Order
from portal.models.position import HELD
from portal.services.close_all.scopes import Scope, of_positions
from portal.trading.types import OrderState, PositionStatus

#: Of those that are not closed yet; more are only counted.
MOST = 200
_FAILURES = ("close_postponed", "close_denied")


class Fate(StrEnum):
    """Where one position of a wish is."""

    CLOSED = "closed"
    #: Asked for, or sent.
    CLOSING = "closing"
    #: Sent, and the answer was lost: it may be closed.
    UNRESOLVED = "unresolved"
    #: Tried and not done; tried again.
    FAILED = "failed"
    #: The asking was interrupted; the sweeper goes on with it.
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True)
class Line:
    """A position that is not closed yet, and why."""

    position: ExecutionPosition
    fate: Fate
    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """All positions of a wish."""

    counts: Counter[Fate]
    #: Those that are not closed, what failed first; at most `MOST`.
    lines: Sequence[Line]
    #: What the closed ones brought, by settlement currency.
    realized: dict[str, Decimal]
    #: Open in the scope, but not part of the wish: they were opened after it.
    opened_since: int

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def is_over(self) -> bool:
        return self.counts[Fate.CLOSED] == self.total


def progress(wish: CloseWish) -> Progress:
    """Five queries, whatever the number of positions."""
    position, fate = ExecutionPosition, _fate()
    among = sa.select(position).where(position.id == sa.any_(_ids(wish)))
    counts = Counter[Fate]()
    realized: dict[str, Decimal] = {}
    grouped = among.with_only_columns(
        fate, position.settle, sa.func.count(), sa.func.sum(position.realized_pnl)
    ).group_by(sa.literal_column("1"), position.settle)
    for name, settle, count, result in db.session.execute(grouped):
        counts[Fate(name)] += count
        if name == Fate.CLOSED:
            realized[settle] = realized.get(settle, Decimal(0)) + result
    still = among.add_columns(fate).where(position.status.in_(HELD))
    first = position.next_close_at.is_(None)
    rows = db.session.execute(still.order_by(first, position.id).limit(MOST)).all()
    return Progress(counts, _lines([(row[0], Fate(row[1])) for row in rows]), realized, _opened_since(wish))


def _fate() -> sa.ColumnElement[str]:
    position = ExecutionPosition
    doubtful = sa.exists().where(Order.position_id == position.id, Order.state == OrderState.UNRESOLVED)
    return sa.case(
        (position.status.not_in(HELD), Fate.CLOSED.value),
        (sa.and_(position.status == PositionStatus.CLOSING, doubtful), Fate.UNRESOLVED.value),
        (position.status == PositionStatus.CLOSING, Fate.CLOSING.value),
        (position.close_reason.is_(None), Fate.NOT_ASKED.value),
        (position.next_close_at.is_not(None), Fate.FAILED.value),
        else_=Fate.CLOSING.value,
    )


def _lines(found: Sequence[tuple[ExecutionPosition, Fate]]) -> list[Line]:
    reasons = _reasons([position.id for position, _ in found])
    words = {
        Fate.UNRESOLVED: "It was sent and its answer was lost. The exchange is asked; nothing is sent twice.",
        Fate.NOT_ASKED: "Not asked for yet; Portico goes on with it within half a minute.",
        Fate.CLOSING: "Waits for a worker.",
    }
    return [
        Line(position, fate, _reason(position, fate, words.get(fate, ""), reasons.get(position.id, "")))
        for position, fate in found
    ]


def _reason(position: ExecutionPosition, fate: Fate, usual: str, logged: str) -> str:
    if fate is Fate.FAILED:
        return logged or "It was not done; it is tried again."
    if fate is Fate.CLOSING and position.status is PositionStatus.CLOSING:
        return "Its order is on the way."
    return usual


def _reasons(position_ids: Sequence[int]) -> dict[int, str]:
    rows = db.session.execute(
        sa.select(ExecutionLog.position_id, ExecutionLog.message)
        .where(ExecutionLog.position_id.in_(position_ids), ExecutionLog.event.in_(_FAILURES))
        .ext(distinct_on(ExecutionLog.position_id))
        .order_by(ExecutionLog.position_id, ExecutionLog.id.desc())
    )
    return {position_id: message for position_id, message in rows if position_id is not None}


def _opened_since(wish: CloseWish) -> int:
    scope, position = Scope(wish.scope, wish.key, wish.label), ExecutionPosition
    others = sa.select(sa.func.count()).select_from(position).where(
        position.status.in_(HELD), of_positions(scope), position.id != sa.all_(_ids(wish))
    )  # fmt: skip
    return db.session.execute(others).scalar_one()


def _ids(wish: CloseWish) -> sa.ColumnElement[list[int]]:
    return sa.literal(wish.position_ids or [], ARRAY(sa.BigInteger))
