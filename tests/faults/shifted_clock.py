"""A database whose clock the test moves: `now()` of our own before PostgreSQL's, for this process alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from portal.db import db

_MAKE = """
CREATE SCHEMA IF NOT EXISTS shifted;
CREATE OR REPLACE FUNCTION shifted.now() RETURNS timestamptz LANGUAGE sql STABLE
AS $$ SELECT current_setting('shifted.now')::timestamptz $$;
"""


@contextmanager
def shifted_clock(start: datetime) -> Iterator[Callable[[datetime], None]]:
    """The answer sets the time that every statement of this process is told from then on."""
    time = [start]

    def tell(connection: Any, *_: object) -> None:
        connection.execute("SET search_path = shifted, public, pg_catalog")
        connection.execute(f"SET shifted.now = '{time[0].isoformat()}'")
        connection.commit()

    def move(moment: datetime) -> None:
        db.session.remove()
        time[0] = moment

    with db.engine.begin() as link:
        link.exec_driver_sql(_MAKE)
    sa.event.listen(db.engine, "checkout", tell)
    try:
        yield move
    finally:
        sa.event.remove(db.engine, "checkout", tell)
        db.session.remove()
        db.engine.dispose()
        with db.engine.begin() as link:
            link.exec_driver_sql("DROP SCHEMA shifted CASCADE")
