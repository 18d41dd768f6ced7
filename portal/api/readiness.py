"""Whether this process can do its work: database, schema and Redis, each with a sentence. Changes nothing."""

import logging
from typing import NamedTuple

from flask import current_app
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal.api.deadline import run_within
from portal.api.errors import ApiError
from portal.services import redis_state, schema

logger = logging.getLogger(__name__)

_SECONDS = 2.0


class Finding(NamedTuple):
    ok: bool
    message: str


def check() -> dict[str, Finding]:
    """Every part by name. Answers in about two seconds, whatever hangs."""
    applied = _applied()
    return {
        "database": Finding(applied is not None, "reachable" if applied is not None else "did not answer"),
        "migrations": _migrations(applied),
        "redis": _redis(),
    }


def _applied() -> frozenset[str] | None:
    """The schema's version, empty when there is none, None when the database does not answer."""
    try:
        return run_within(_SECONDS, schema.applied)
    except (ApiError, SQLAlchemyError) as error:
        logger.warning("not ready: the database did not answer (%s)", type(error).__name__)
        return None


def _migrations(applied: frozenset[str] | None) -> Finding:
    if applied is None:
        return Finding(False, "not known while the database does not answer")
    if schema.mismatch(applied) is None:
        return Finding(True, "at head")
    return Finding(False, "the schema is not the one this version needs; run `portal db upgrade`")


def _redis() -> Finding:
    try:
        wrong = redis_state.unfit(current_app.extensions["portal_redis"])
    except (RedisError, OSError):
        return Finding(False, "did not answer; signals are kept, and run when it is back")
    return Finding(wrong is None, wrong or "reachable")
