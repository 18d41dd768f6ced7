"""Whether this process can do its work: database, schema and Redis, each with a sentence. Changes nothing."""

import logging
from functools import cache
from pathlib import Path
from typing import NamedTuple

import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import current_app
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal.api.deadline import run_within
from portal.api.errors import ApiError
from portal.db import db

logger = logging.getLogger(__name__)

_SECONDS = 2.0


class Finding(NamedTuple):
    ok: bool
    message: str


def check() -> dict[str, Finding]:
    """Every part by name. Answers in about two seconds, whatever hangs."""
    version = _database_version()
    return {
        "database": Finding(version is not None, "reachable" if version is not None else "did not answer"),
        "migrations": _migrations(version),
        "redis": _redis(),
    }


def _database_version() -> str | None:
    """The schema's version, empty when there is none, None when the database does not answer."""
    try:
        return run_within(_SECONDS, _read_version)
    except (ApiError, SQLAlchemyError) as error:
        logger.warning("not ready: the database did not answer (%s)", type(error).__name__)
        return None


def _read_version() -> str:
    if db.session.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return ""
    versions = db.session.scalars(sa.text("SELECT version_num FROM alembic_version")).all()
    return ",".join(sorted(map(str, versions)))


def _migrations(version: str | None) -> Finding:
    if version is None:
        return Finding(False, "not known while the database does not answer")
    head = expected_version(current_app.extensions["migrate"].directory)
    if version == head:
        return Finding(True, "at head")
    return Finding(False, "the schema is not the one this version needs; run `portal db upgrade`")


@cache
def expected_version(directory: str) -> str:
    """The newest migration that this installation brings."""
    config = Config()
    config.set_main_option("script_location", str(Path(directory)))
    return ",".join(sorted(ScriptDirectory.from_config(config).get_heads()))


def _redis() -> Finding:
    try:
        current_app.extensions["portal_redis"].ping()
    except (RedisError, OSError):
        return Finding(False, "did not answer; signals are kept, and run when it is back")
    return Finding(True, "reachable")
