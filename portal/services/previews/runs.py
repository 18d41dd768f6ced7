"""Previews of drafts: asked for by a page, made by workers, kept in Redis until they are too old to be of
use. The database knows nothing of them but that somebody asked."""

import hashlib
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from redis import Redis, RedisError
from sqlalchemy.exc import SQLAlchemyError

from portal.db import db, end_read, request_job, transaction, utcnow
from portal.errors import ConflictError, NotFoundError, PortalError
from portal.models import Signal
from portal.services import audit, fanout, planning
from portal.services.previews import looking
from portal.services.previews.answers import Answer, dump, load

logger = logging.getLogger(__name__)

#: Seconds until a preview forgets itself.
KEPT = 900
#: Seconds in which a second click on the button starts no second preview.
_SAME_CLICK = 3
#: Seconds that one job works before it goes back to the end of its queue.
SLICE = 3.0
#: One job more for so many accounts, and at most so many jobs at once.
_ACCOUNTS_PER_HAND, _HANDS = 25, 4
#: Without news for so long, nobody works on it.
SILENCE = timedelta(seconds=20)
_PREFIX = "portal:preview"


@dataclass(frozen=True, slots=True)
class Run:
    """One preview of a draft as it was then. `total` counts the accounts that it would reach."""

    id: int
    signal_id: int
    digest: str
    started_at: datetime
    total: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What is known so far. `stale`: the draft was changed, or published, since."""

    run: Run
    answers: Mapping[int, Answer]
    stale: bool
    last_news_at: datetime

    @property
    def waiting(self) -> int:
        """Accounts without an answer."""
        return max(self.run.total - len(self.answers), 0)

    @property
    def silent(self) -> bool:
        """Whether answers are missing and nobody seems to work on them."""
        return self.waiting > 0 and utcnow() - self.last_news_at > SILENCE


def start(signal_id: int, *, actor: audit.Actor) -> Run:
    """Ask workers for a preview of a draft. A second click within seconds gets the first one's.

    Raises NotFoundError, ConflictError (published), PortalError (Redis is away). Commits an audit entry and
    nothing else."""
    signal = db.session.get(Signal, signal_id, populate_existing=True)
    if signal is None:
        raise NotFoundError(f"signal {signal_id} does not exist; nothing was previewed")
    if signal.is_published:
        raise ConflictError("The signal is published already; there is nothing left to preview.")
    digest = digest_of(signal)
    ids = list(db.session.execute(fanout.eligible_connections(signal_id)).scalars())
    end_read()
    run = Run(secrets.randbits(52) + 1, signal_id, digest, utcnow(), len(ids))
    try:
        earlier = _claim(run)
        if earlier is not None:
            return earlier
        _keep(run, ids)
    except RedisError:
        raise PortalError(
            "Redis does not answer, so no preview can be made now. Nothing was asked."
        ) from None
    with transaction():
        audit.record(actor, "portal.signal.previewed", "signal", signal_id, connections=len(ids))
        if ids:
            request_job("preview_signal", run.id)
    return run


def hands(run_id: int) -> int:
    """How many more jobs shall work on this preview: said once, to its first job. Raises RedisError."""
    # A preview that was forgotten must not come back as half a record.
    first = _find(run_id) is not None and _redis().hsetnx(_key(run_id), "taken", 1)
    left = int(_answer(_redis().llen(_key(run_id, "waiting")))) if first else 0
    return min(left // _ACCOUNTS_PER_HAND, _HANDS - 1)


def work(run_id: int) -> bool:
    """Ask one account after another for `SLICE` seconds. True when more wait. Network; writes no row; may be
    repeated by any number of workers. Raises RedisError."""
    run = _find(run_id)
    until = time.monotonic() + SLICE
    while run is not None:
        terms = _draft(run)
        if terms is None:
            _redis().delete(_key(run_id, "waiting"))
            break
        taken = _redis().lpop(_key(run_id, "waiting"))
        if taken is None:
            break
        try:
            answer = looking.look(int(_answer(taken)), terms)
        except SQLAlchemyError:
            _redis().rpush(_key(run_id, "waiting"), _answer(taken))
            raise
        _tell(run_id, answer)
        if time.monotonic() >= until:
            return bool(_redis().llen(_key(run_id, "waiting")))
    return False


def latest(signal: Signal) -> Preview | None:
    """The newest preview of `signal`, while it is remembered. Reads only; raises RedisError."""
    redis = _redis()
    found = redis.get(_latest(signal.id))
    run = _find(int(_answer(found))) if found is not None else None
    if run is None:
        return None
    pipe = redis.pipeline(transaction=False)
    pipe.hgetall(_key(run.id, "answers"))
    pipe.hget(_key(run.id), "news_at")
    kept, news_at = pipe.execute()
    answers = {each.connection_id: each for each in map(load, kept.values())}
    return Preview(
        run,
        dict(sorted(answers.items())),
        stale=signal.is_published or digest_of(signal) != run.digest,
        last_news_at=datetime.fromisoformat(news_at.decode()) if news_at else run.started_at,
    )


def digest_of(signal: Signal) -> str:
    """The same for the same content of a draft, its plans included."""
    terms = replace(planning.terms_of(signal), published_at=None)
    plans = sorted(plan.id for plan in signal.plans)
    return hashlib.sha256(repr((terms, plans)).encode()).hexdigest()


def _draft(run: Run) -> Any:
    """The terms of the draft that was to be previewed; None when it is another by now."""
    end_read()
    signal = db.session.get(Signal, run.signal_id)
    same = signal is not None and not signal.is_published and digest_of(signal) == run.digest
    terms = planning.terms_of(signal) if signal is not None and same else None
    end_read()
    return terms


def _claim(run: Run) -> Run | None:
    """None when this click is the first; otherwise the preview that the first one started."""
    redis = _redis()
    name = f"{_PREFIX}:click:{run.signal_id}:{run.digest}"
    if redis.set(name, run.id, nx=True, ex=_SAME_CLICK):
        return None
    first = redis.get(name)
    return _find(int(_answer(first))) if first is not None else None


def _keep(run: Run, ids: list[int]) -> None:
    pipe = _redis().pipeline()
    facts: dict[Any, Any] = {
        "signal_id": run.signal_id, "digest": run.digest, "total": run.total,
        "started_at": run.started_at.isoformat(),
    }  # fmt: skip
    pipe.hset(_key(run.id), mapping=facts)
    pipe.expire(_key(run.id), KEPT)
    if ids:
        pipe.rpush(_key(run.id, "waiting"), *ids)
        pipe.expire(_key(run.id, "waiting"), KEPT)
    pipe.set(_latest(run.signal_id), run.id, ex=KEPT)
    pipe.execute()


def _tell(run_id: int, answer: Answer) -> None:
    pipe = _redis().pipeline(transaction=False)
    pipe.hset(_key(run_id, "answers"), str(answer.connection_id), dump(answer))
    pipe.expire(_key(run_id, "answers"), KEPT)
    pipe.hset(_key(run_id), "news_at", utcnow().isoformat())
    pipe.expire(_key(run_id), KEPT)
    pipe.execute()


def _find(run_id: int) -> Run | None:
    kept = {key.decode(): value.decode() for key, value in _answer(_redis().hgetall(_key(run_id))).items()}
    if "digest" not in kept:
        return None
    started_at = datetime.fromisoformat(kept["started_at"])
    return Run(run_id, int(kept["signal_id"]), kept["digest"], started_at, int(kept["total"]))


def _redis() -> Redis:
    client: Redis = current_app.extensions["portal_redis"]
    return client


def _answer(found: Any) -> Any:
    """What redis-py types as perhaps awaitable, and never is here."""
    return found


def _key(run_id: int, part: str = "facts") -> str:
    return f"{_PREFIX}:{run_id}:{part}"


def _latest(signal_id: int) -> str:
    return f"{_PREFIX}:of:{signal_id}"
