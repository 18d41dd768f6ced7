"""A dedupe key for alerts that bring none, so that an alert which is delivered twice is one signal.

With `timenow` (when TradingView fired it) the content alone is the key: a repeat is one for ever. Without it,
equal alerts of one sender within `WINDOW` seconds are one. Never refuses; two equal alerts could only both
pass in the instant in which a minute begins while Redis is away.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from redis import Redis

from portal.api import memory
from portal.db import db
from portal.models import Signal

WINDOW = 60


def derive_key(alert: Mapping[str, Any], author_id: int, now: datetime) -> str:
    """The key of an alert without one. Reads only, but for a mark in Redis that expires by itself."""
    content = json.dumps(sorted(alert.items()), default=str).encode()
    digest = hashlib.sha256(f"{author_id}:".encode() + content).hexdigest()[:40]
    if alert.get("timenow"):
        return f"alert-{digest}"
    minute = int(now.timestamp()) // WINDOW
    return _seen_before(author_id, digest, minute, now) or _agreed(digest, minute)


def _key(digest: str, minute: int) -> str:
    return f"alert-{digest}-{minute}"


def _seen_before(author_id: int, digest: str, minute: int, now: datetime) -> str | None:
    """The key under which the same alert was stored less than a window ago."""
    found: str | None = db.session.scalar(
        sa.select(Signal.dedupe_key)
        .where(
            Signal.author_id == author_id,
            Signal.dedupe_key.in_([_key(digest, minute), _key(digest, minute - 1)]),
            Signal.created_at > now - timedelta(seconds=WINDOW),
        )
        .order_by(Signal.id.desc())
        .limit(1)
    )
    return found


def _agreed(digest: str, minute: int) -> str:
    """The key on which all who are at it now agree, also when the minute changes between two of them."""
    mine = _key(digest, minute)
    return memory.ask(lambda redis: _first(redis, f"portal:alert:{digest}", mine), otherwise=mine)


def _first(redis: Redis, name: str, mine: str) -> str:
    if redis.set(name, mine, nx=True, ex=WINDOW):
        return mine
    theirs: Any = redis.get(name)
    return theirs.decode() if theirs else mine
