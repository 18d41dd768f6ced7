"""Whether the database has the schema that this program was written for. Reads only."""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import current_app

from portal.db import db


def applied() -> frozenset[str]:
    """The migrations at which the database stands; empty when there is no schema. Reads over the session and
    leaves its transaction to the caller. Raises SQLAlchemyError when the database does not answer."""
    if db.session.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return frozenset()
    return frozenset(map(str, db.session.scalars(sa.text("SELECT version_num FROM alembic_version"))))


def wanted() -> frozenset[str]:
    """The newest migration that this installation brings. Asks nobody."""
    return _heads(current_app.extensions["migrate"].directory)


def mismatch(found: frozenset[str]) -> str | None:
    """A sentence when the schema `found` is not this program's; None when it is. Newer and older are the same
    mistake: rows would be written that the other side reads wrongly."""
    if found == wanted():
        return None
    return (
        f"The database schema is at {', '.join(sorted(found)) or 'nothing'}, this version needs "
        f"{', '.join(sorted(wanted()))}."
    )


@cache
def _heads(directory: str) -> frozenset[str]:
    config = Config()
    config.set_main_option("script_location", str(Path(directory)))
    return frozenset(ScriptDirectory.from_config(config).get_heads())
