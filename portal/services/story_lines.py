"""What was written down about an execution and its position, as lines of their story: the log, the questions
to the exchange, what people decided and what owners were told. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.db import db
from portal.models import (
    AuditEntry,
    Execution,
    ExecutionLog,
    ExecutionPosition,
    Notification,
    OrderQuestion,
    User,
)
from portal.services import log_kinds
from portal.trading.types import Answer, ClosedReason, QuestionKind

#: More of one kind are left out; a story of that length is read in the logs.
MOST = 300
#: Entries of the audit trail that the rows themselves tell better.
_TOLD_OTHERWISE = ("portal.signal.created", "portal.signal.changed")


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: signal, step, order, question, fill, log, position, decision or told. `tone`: good,
    warn, bad or nothing."""

    at: datetime
    kind: str
    title: str
    body: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a story is about, and for whom: owners read the addresses of nobody but themselves."""

    execution: Execution
    position: ExecutionPosition | None
    order_ids: Sequence[int]
    reader: User | None = None

    def name(self, person: str) -> str:
        """How somebody is called in the story."""
        if self.reader is None or "@" not in person or person == self.reader.email:
            return person
        return "an administrator"


def written(subject: Subject) -> Iterator[Event]:
    """All of it, in no order."""
    yield from _questions(subject)
    yield from _log(subject)
    yield from _decisions(subject)
    yield from _told(subject)


def _about(model: type[ExecutionLog | Notification], subject: Subject) -> Sequence[Any]:
    """The rows of `model` that name the execution or its position, oldest first."""
    mine = model.execution_id == subject.execution.id
    if subject.position is not None:
        mine = sa.or_(mine, model.position_id == subject.position.id)
    wanted: sa.Select[Any] = sa.select(model).where(mine).order_by(model.id).limit(MOST)
    return db.session.scalars(wanted).all()


def _log(subject: Subject) -> Iterator[Event]:
    for row in _about(ExecutionLog, subject):
        took = f" ({row.duration_ms:,} ms)" if row.duration_ms is not None else ""
        code = f" [{row.data['code']}]" if row.data.get("code") else ""
        title = row.event.replace("_", " ").capitalize()
        yield Event(row.at, "log", title, f"{row.message}{code}{took}", log_kinds.tone_of(row.event))


def _told(subject: Subject) -> Iterator[Event]:
    for row in _about(Notification, subject):
        yield Event(row.created_at, "told", "The owner was told", row.title)


def _questions(subject: Subject) -> Iterator[Event]:
    rows = db.session.scalars(
        sa.select(OrderQuestion)
        .where(OrderQuestion.order_id.in_(subject.order_ids))
        .order_by(OrderQuestion.id)
        .limit(MOST)
    )
    for row in rows:
        tone = "good" if row.answer is Answer.FOUND else "warn"
        yield Event(row.asked_at, "question", _question(row, subject), _answer(row), tone)


def _question(row: OrderQuestion, subject: Subject) -> str:
    by = f" for {subject.name(row.asked_by)}" if row.asked_by else ""
    what = {
        QuestionKind.ASK: f"The exchange was asked{by}",
        QuestionKind.LOOK: f"The exchange was searched{by} for what the order could be",
        QuestionKind.ADOPT: f"Order {row.exchange_order_id} was to be adopted{by}",
    }[row.kind]
    return f"{what}: {row.answer.value.replace('_', ' ')}"


def _answer(row: OrderQuestion) -> str:
    if row.kind is QuestionKind.ASK and row.answer is Answer.NOT_FOUND:
        return f"not among: {', '.join(row.absent_from)}" if row.absent_from else "not there"
    if row.kind is QuestionKind.LOOK and row.listed:
        return f"{len(row.listed)} of the exchange's orders could be it"
    return row.message


def _decisions(subject: Subject) -> Iterator[Event]:
    """Who decided what about the signal, the execution, its position and its orders."""
    entry = AuditEntry
    of = [("execution", [subject.execution.id]), ("order", list(subject.order_ids))]
    if subject.execution.signal_id is not None:
        of.append(("signal", [subject.execution.signal_id]))
    if subject.position is not None:
        of.append(("position", [subject.position.id]))
    rows = db.session.scalars(
        sa.select(entry)
        .where(
            sa.or_(*(sa.and_(entry.object_type == kind, entry.object_id.in_(ids)) for kind, ids in of)),
            entry.action.not_in(_TOLD_OTHERWISE),
        )
        .order_by(entry.id)
        .limit(MOST)
    )
    for row in rows:
        what = row.action.removeprefix("portal.").replace(".", ": ", 1).replace("_", " ")
        yield Event(
            row.at, "decision", f"{what.capitalize()}, by {subject.name(row.actor)}", _brief(row.data)
        )


def _brief(data: dict[str, Any]) -> str:
    parts = []
    said = {"wish": "with everything in its scope, wish", "source": "by", "reason": "because of"}
    if data.get("reason") == ClosedReason.MANUAL.value:
        del said["reason"]  # who it was stands in the title
    if data.get("after") is not None:
        parts.append(f"from {data.get('before') or 'none'} to {data['after']}")
    return ", ".join(parts + [f"{said[key]} {data[key]}" for key in said if data.get(key) is not None])
