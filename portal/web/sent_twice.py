"""A double click: the same form of the same browser, sent again while the first is being worked on, waits and
follows the first instead of doing it again. What comes later is a new wish; services judge that."""

import hashlib
import logging
import time
from typing import Any

from flask import Flask, Response, current_app, flash, g, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user
from redis import RedisError

from portal.errors import ConflictError
from portal.web import shown_once

logger = logging.getLogger(__name__)

_MINE = "portal_sent"
#: Longer than any page works; whoever was killed meanwhile is forgotten then.
_WORKING_SECONDS = 40
_WAIT_SECONDS, _LOOK_EVERY_SECONDS = 15.0, 0.05
#: How long the outcome stays for those who wait for it.
_OUTCOME_SECONDS = 5


def init_app(app: Flask) -> None:
    """Look at every form that somebody who is logged in sends. After the check of its token."""
    app.before_request(_take_turns)
    app.after_request(_tell_the_others)


def _take_turns() -> ResponseReturnValue | None:
    if request.method != "POST" or request.path.startswith(("/api/", "/hooks/")):
        return None
    if not current_user.is_authenticated:
        return None
    key = _key()
    try:
        if _begin(key):
            return shown_once.again(_redis(), key)
        _redis().set(f"{key}:waiting", 1, ex=_WORKING_SECONDS)
        return _follow(key)
    except RedisError:
        logger.warning("Redis is away: forms that are sent twice at once are not held apart")
        return None


def _begin(key: str) -> bool:
    if not _redis().set(key, "working", nx=True, ex=_WORKING_SECONDS):
        return False
    setattr(g, _MINE, key)
    return True


def _follow(key: str) -> ResponseReturnValue | None:
    """Wait for the first. None when it led nowhere, so that this one may be looked at by itself."""
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        outcome = _redis().get(f"{key}:outcome")
        if outcome is not None:
            flash("This was sent twice at once. It was done once.", "success")
            return redirect(outcome.decode())
        if _begin(key):
            return shown_once.again(_redis(), key)
        time.sleep(_LOOK_EVERY_SECONDS)
    raise ConflictError(
        "This was sent twice, and the first is still being worked on. Look at the page first."
    )


def _tell_the_others(response: Response) -> Response:
    key = g.pop(_MINE, None)
    if key is None:
        return response
    try:
        awaited = bool(_redis().delete(f"{key}:waiting"))
        shown_once.remember(_redis(), key, response, awaited=awaited)
        if awaited and response.status_code in (302, 303):
            _redis().set(f"{key}:outcome", response.location or "/", ex=_OUTCOME_SECONDS)
        _redis().delete(key)
    except RedisError:
        logger.warning("Redis is away: whoever waits for a form that was sent twice waits in vain")
    return response


def _key() -> str:
    """The same browser, address, token and content."""
    fields = list(request.form.items(multi=True))
    sent = repr(
        (
            session.get("_user_id"),
            session.get("csrf_token"),
            request.full_path,
            request.content_length,
            fields,
        )
    )
    return f"portal:sent:{hashlib.sha256(sent.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _redis() -> Any:
    return current_app.extensions["portal_redis"]
