"""Finding lines of the execution log by anything, page by page, without counting or scanning all of them.
Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.db import db, end_read, utcnow
from portal.errors import ValidationError
from portal.models import Execution, ExecutionLog, ExecutionPosition, Order, User
from portal.services import log_kinds
from portal.services.log_kinds import Category, Level

#: How far back is looked for what no index knows, unless it is said.
USUAL_SPAN = timedelta(days=7)
LONGEST_SPAN = timedelta(days=92)
#: A search that takes longer is given up, so that it holds up nobody.
_SECONDS = 5
_BATCH = 1000
_CANCELED = "57014"


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; nothing = everything."""

    since: datetime | None = None
    until: datetime | None = None
    level: Level | None = None
    category: Category | None = None
    event: str = ""
    connection_id: int | None = None
    #: Address or number of a person.
    owner: str = ""
    signal_id: int | None = None
    execution_id: int | None = None
    position_id: int | None = None
    #: Ours or the exchange's id, whole.
    order: str = ""
    code: str = ""
    text: str = ""

    @property
    def is_narrow(self) -> bool:
        """Few lines, found by an index: no need to limit the time."""
        ids = (self.signal_id, self.execution_id, self.position_id)
        return bool(self.order) or any(each is not None for each in ids)

    @property
    def needs_span(self) -> bool:
        """Whether lines have to be read to be judged, so that the time must be limited."""
        judged = self.level or self.category or self.event or self.code or self.text
        return bool(judged) and not self.is_narrow

    def bounded(self) -> "Search":
        """With a span of time where one is needed. Raises ValidationError for one that is too long."""
        if not self.needs_span:
            return self
        until = self.until or utcnow()
        since = self.since or until - USUAL_SPAN
        if until - since > LONGEST_SPAN:
            raise ValidationError(
                {"since": f"must be at most {LONGEST_SPAN.days} days before the end of the search"}
            )
        return replace(self, since=since)


def lines(
    search: Search, *, owner_id: int | None = None, before: int | None = None, limit: int
) -> list[ExecutionLog]:
    """The newest lines that match, at most `limit`, older than the line `before`; of one owner only, when
    given. Raises ValidationError when it takes too long, or spans too much."""
    wanted = _select(search.bounded(), owner_id)
    if wanted is None:
        return []
    if before is not None:
        place = db.session.execute(
            sa.select(ExecutionLog.at, ExecutionLog.id).where(ExecutionLog.id == before)
        ).one_or_none()
        if place is not None:
            wanted = wanted.where(
                ExecutionLog.at <= place.at,
                sa.tuple_(ExecutionLog.at, ExecutionLog.id) < sa.tuple_(sa.literal(place.at), before),
            )
    newest = wanted.order_by(ExecutionLog.at.desc(), ExecutionLog.id.desc()).limit(limit)
    return _patiently(newest)


def all_lines(search: Search, *, most: int) -> Iterator[ExecutionLog]:
    """As `lines`, newest first, up to `most`, read in batches with no transaction open in between."""
    before, left = None, most
    while left > 0:
        batch = lines(search, before=before, limit=min(_BATCH, left))
        end_read()
        yield from batch
        if len(batch) < _BATCH:
            return
        before, left = batch[-1].id, left - len(batch)


def executions_of(found: Sequence[ExecutionLog]) -> dict[int, int]:
    """The execution whose story tells of each line, by the id of the line."""
    alone = {line.position_id for line in found if line.execution_id is None and line.position_id is not None}
    opened: dict[int, int | None] = {}
    if alone:
        rows = db.session.execute(
            sa.select(ExecutionPosition.id, ExecutionPosition.execution_id).where(
                ExecutionPosition.id.in_(alone)
            )
        )
        opened = {row[0]: row[1] for row in rows}
    stories = {line.id: line.execution_id or opened.get(line.position_id or 0) for line in found}
    return {line_id: execution_id for line_id, execution_id in stories.items() if execution_id is not None}


def _patiently(wanted: sa.Select[ExecutionLog]) -> list[ExecutionLog]:
    db.session.execute(sa.select(sa.func.set_config("statement_timeout", f"{_SECONDS}s", True)))
    try:
        found = list(db.session.scalars(wanted))
        db.session.execute(sa.text("SET LOCAL statement_timeout = DEFAULT"))
    except sa.exc.OperationalError as error:
        db.session.rollback()
        if getattr(error.orig, "sqlstate", "") != _CANCELED:
            raise
        raise ValidationError(
            {"search": f"took more than {_SECONDS} seconds and was given up; narrow the time or add a number"}
        ) from error
    return found


def _select(search: Search, owner_id: int | None) -> sa.Select[ExecutionLog] | None:
    """None: what it asks for is known not to exist."""
    line, where = ExecutionLog, _plain(search)
    if owner_id is not None:
        where.append(line.owner_id == owner_id)
    if search.owner:
        person = _person(search.owner)
        if person is None:
            return None
        where.append(line.owner_id == person)
    if search.order:
        is_it = sa.or_(Order.client_order_id == search.order, Order.exchange_order_id == search.order)
        where.append(line.order_id.in_(list(db.session.scalars(sa.select(Order.id).where(is_it)))))
    if search.signal_id is not None or search.execution_id is not None:
        where.append(_about_executions(search))
    return sa.select(line).where(*where)


def _plain(search: Search) -> list[sa.ColumnElement[bool]]:
    """What the line itself says."""
    line = ExecutionLog
    where: list[sa.ColumnElement[bool]] = []
    if search.since is not None:
        where.append(line.at >= search.since)
    if search.until is not None:
        where.append(line.at < search.until)
    if search.level is Level.INFO:
        where.append(line.event.not_in(log_kinds.grave_events()))
    elif search.level is not None:
        grave = log_kinds.grave_events()
        where.append(line.event.in_([event for event, level in grave.items() if level is search.level]))
    if search.category is not None:
        where.append(line.event.in_(log_kinds.events_of(search.category)))
    if search.event:
        where.append(line.event == search.event)
    if search.connection_id is not None:
        where.append(line.connection_id == search.connection_id)
    if search.position_id is not None:
        where.append(line.position_id == search.position_id)
    if search.code:
        where.append(
            sa.or_(line.data["code"].astext == search.code, line.data["venue_code"].astext == search.code)
        )
    if search.text:
        where.append(line.message.icontains(search.text, autoescape=True))
    return where


def _about_executions(search: Search) -> sa.ColumnElement[bool]:
    """Lines of an execution and of the position that it opened. The numbers are read first: as a subquery
    they would keep PostgreSQL from using the indexes."""
    wanted = sa.select(Execution.id)
    if search.signal_id is not None:
        wanted = wanted.where(Execution.signal_id == search.signal_id)
    if search.execution_id is not None:
        wanted = wanted.where(Execution.id == search.execution_id)
    ids = list(db.session.scalars(wanted))
    opened = sa.select(ExecutionPosition.id).where(ExecutionPosition.execution_id.in_(ids))
    return sa.or_(
        ExecutionLog.execution_id.in_(ids), ExecutionLog.position_id.in_(list(db.session.scalars(opened)))
    )


def _person(owner: str) -> int | None:
    if owner.isascii() and owner.isdigit():
        return int(owner) if len(owner) < 18 else None
    return db.session.scalar(sa.select(User.id).where(User.email == owner.lower()))
