"""The database handle, the column types, and the one way to open a transaction. No tables and no rules
here."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from sqlalchemy import orm
from sqlalchemy.pool import ConnectionPoolEntry

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

#: A connection used a moment ago is alive; PostgreSQL takes longer than this to come back.
IDLE_SECONDS = 1.0

_IDLE_SINCE = "portal_idle_since"
_JOBS = "portal_jobs"
_OWNED = "portal_transaction"


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC instant; a naive datetime is refused instead of being guessed."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a naive datetime was given ({value!r}); use portal.db.utcnow()")
        return value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


class Base(orm.DeclarativeBase):
    """Parent of every model: named constraints, exact numbers, UTC."""

    # A registry: Flask-SQLAlchemy copies the class body, and SQLAlchemy refuses a copied annotation map.
    registry = orm.registry(
        metadata=sa.MetaData(naming_convention=NAMING_CONVENTION),
        type_annotation_map={datetime: UTCDateTime, Decimal: sa.Numeric(38, 18), str: sa.Text},
    )


db = SQLAlchemy(model_class=Base)


def enum_type(enum: type[StrEnum], name: str | None = None) -> sa.Enum:
    """A text column that holds the values of `enum` and nothing else, by a named check constraint. `name`
    tells two columns of one type in one table apart."""
    return sa.Enum(
        enum,
        name=name or enum.__name__.lower(),
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        values_callable=lambda members: [member.value for member in members],
        length=32,
    )


def spelled(*values: StrEnum) -> list[sa.ColumnElement[Any]]:
    """Constants written into a statement. As parameters they would keep PostgreSQL from using an index on
    part of a table in a plan that it keeps."""
    return [sa.literal_column(f"'{value.value}'") for value in values]


def check_idle_connections(engine: sa.Engine) -> None:
    """Let `engine` look whether a connection still lives before it is used again, if it was idle for
    `IDLE_SECONDS`. Asking each time would be half of all transactions of a busy worker. Call once."""

    @sa.event.listens_for(engine, "checkin")
    def note_time(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def look(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        since = record.info.pop(_IDLE_SINCE, None)
        if since is None or time.monotonic() - since < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.InvalidatePoolError from error


def utcnow() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


@contextmanager
def transaction() -> Iterator[orm.scoped_session[Session]]:
    """One unit of work: commits at the end, rolls back on any exception, refuses to nest.

    Public functions of `services/` own one each; helpers flush and never commit. No network call inside.
    """
    session = db.session
    if session.info.get(_OWNED):
        raise RuntimeError("transaction() does not nest: the caller already owns one")
    if session().in_transaction():
        # A read made before opened one; it sees an old snapshot and must not decide anything here.
        session.rollback()
    session.info[_OWNED] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(_OWNED, None)


def in_transaction() -> bool:
    """True while the calling thread owns a `transaction()`; adapters' callers assert that it is not."""
    return bool(db.session.info.get(_OWNED))


def request_job(name: str, *ids: int, after: timedelta = timedelta(0)) -> None:
    """Ask for a job once the running transaction has committed (see `portal/events.py`), to start `after`
    that moment. A hint, never a promise: whatever must happen is in a row that the sweeper finds."""
    # A dict, because a list would be searched a thousand times for a thousand connections.
    jobs: dict[tuple[str, tuple[int, ...]], timedelta] = db.session.info.setdefault(_JOBS, {})
    jobs[name, ids] = min(after, jobs.get((name, ids), after))


def requested_jobs(session: orm.Session) -> dict[tuple[str, tuple[int, ...]], timedelta]:
    """Take the jobs remembered on `session`, and when they are wanted (for `portal/events.py` only)."""
    jobs: dict[tuple[str, tuple[int, ...]], timedelta] = session.info.pop(_JOBS, {})
    return jobs


def end_read() -> None:
    """Give the connection back after reads, so that no transaction is open across a network call. What was
    loaded stays readable but is cut off from the database: a forgotten attribute raises instead of opening
    a transaction."""
    if in_transaction():
        raise RuntimeError("a transaction is open: nothing may go over the network now")
    db.session.expunge_all()
    db.session.rollback()


JsonDict = dict[str, Any]
