"""Pages that show a secret, once: a form that is sent twice makes one. Who waits for the first is shown the
same page; who comes later is told so. Without Redis forms are not told apart."""

import json
from typing import Any

from flask import Response, g, request

from portal.crypto import DecryptionError, keyring
from portal.errors import ConflictError
from portal.web.headers import csp_nonce

_SHOWS = "portal_shows_once"
#: Flask-Security's page, which has no place to say so itself.
_ALWAYS = frozenset({"security.mf_recovery_codes"})
#: Seconds after which the same form of the same page may make another one; that others wait for the page.
_REMEMBER, _KEPT = 3600, 5


def shows_once() -> None:
    """The answer to this request shows what nobody can read again."""
    setattr(g, _SHOWS, True)


def remember(redis: Any, key: str, response: Response, *, awaited: bool) -> None:
    """Note that the form `key` was answered, and keep the page for a moment, encrypted, when it is awaited.
    Raises RedisError."""
    shows = g.pop(_SHOWS, False) or request.endpoint in _ALWAYS
    if not shows or response.status_code != 200:
        return
    if awaited:
        page = json.dumps({"nonce": csp_nonce(), "page": response.get_data(as_text=True)})
        redis.set(_kept(key), keyring().encrypt(page.encode(), key), ex=_KEPT)
    redis.set(_shown(key), 1, ex=_REMEMBER)


def again(redis: Any, key: str) -> Response | None:
    """The answer to the form `key`, when it was sent before; None when it is new. Raises ConflictError when
    the page is gone, and RedisError."""
    if not redis.exists(_shown(key)):
        return None
    try:
        kept = json.loads(keyring().decrypt((redis.get(_kept(key)) or b"").decode(), key))
    except DecryptionError:
        raise ConflictError(
            "This form was sent before. What it made was shown once, in the answer to that; nothing more was "
            "made now. If you do not have it, open the page again and make a new one."
        ) from None
    # Its scripts may run under the nonce that stands in the page.
    g.csp_nonce = kept["nonce"]
    return Response(kept["page"], mimetype="text/html")


def _shown(key: str) -> str:
    return f"{key}:shown"


def _kept(key: str) -> str:
    return f"{key}:page"
