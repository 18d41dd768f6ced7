"""What somebody typed, kept in Redis for a short while: encrypted, and readable only by whom it is bound to.
Decides nothing about what may be kept or shown."""

import json
import logging
import uuid
from collections.abc import Iterable
from typing import Any

from flask import current_app
from redis import RedisError

from portal import crypto
from portal.crypto import DecryptionError

logger = logging.getLogger(__name__)

KEPT_SECONDS = 900
Fields = list[tuple[str, str]]


def hold(fields: Iterable[tuple[str, str]], bound_to: str) -> str | None:
    """Keep `fields`; the name they are kept under, or None while Redis is away."""
    held = uuid.uuid4().hex
    plain = json.dumps([[name, value] for name, value in fields]).encode()
    try:
        redis().set(_key(held), crypto.keyring().encrypt(plain, f"{held}:{bound_to}"), ex=KEPT_SECONDS)
    except RedisError:
        logger.warning("Redis is away: a form could not be kept for its sender")
        return None
    return held


def look(held: str, bound_to: str) -> Fields | None:
    """What is kept under this name for this reader, or None. It stays until its time is over."""
    try:
        sealed = redis().get(_key(held))
    except RedisError:
        return None
    return _open(sealed, held, bound_to)


def let_go(held: str, bound_to: str) -> Fields | None:
    """Like `look`, for the one time that it may be used."""
    try:
        # Not GETDEL: the Redis that embedded mode brings is older than that.
        sealed, _ = redis().pipeline().get(_key(held)).delete(_key(held)).execute()
    except RedisError:
        return None
    return _open(sealed, held, bound_to)


def redis() -> Any:
    return current_app.extensions["portal_redis"]


def _key(held: str) -> str:
    return f"portal:held:{held}"


def _open(sealed: bytes | None, held: str, bound_to: str) -> Fields | None:
    if sealed is None:
        return None
    try:
        plain = crypto.keyring().decrypt(sealed.decode(), f"{held}:{bound_to}")
    except DecryptionError:
        return None
    return [(name, value) for name, value in json.loads(plain)]
