"""TradingView alerts. The sender waits three seconds and sends no header of ours, so the token is in the
address and the answer comes in time whatever hangs. Nothing of the address or the body is ever logged."""

from typing import NoReturn

from flask import request

from portal.api import limits
from portal.api.alerts import read_alert, to_signal
from portal.api.auth import PUBLIC, missing_scope, require_admin, scope
from portal.api.blueprints import hooks
from portal.api.bodies import read_body
from portal.api.deadline import run_within
from portal.api.dedupe import derive_key
from portal.api.errors import ApiError
from portal.api.signals import take, use_header_key
from portal.api.staleness import refuse_stale
from portal.db import JsonDict, utcnow
from portal.models import User
from portal.services import tokens

#: Seconds until we answer, whatever happens. TradingView hangs up after three.
ANSWER_WITHIN = 2.5

_SCOPE = "signals:write"


@hooks.post("/tradingview/<token>")
@scope(PUBLIC)  # the token is in the address; see `_author`
def tradingview(token: str) -> tuple[JsonDict, int]:
    # A body that will be refused for its size is refused before anything is asked of anybody.
    body = read_body()
    key = request.headers.get("Idempotency-Key")
    return run_within(ANSWER_WITHIN, lambda: _take(token, body, key))


def _take(token: str, body: bytes, key: str | None) -> tuple[JsonDict, int]:
    author = _author(token)
    alert = read_alert(body)
    data = to_signal(alert)
    use_header_key(data, key)
    if data.get("dedupe_key") in (None, ""):  # a tuple, because anything may stand there
        data["dedupe_key"] = derive_key(alert, author.id, utcnow())
    refuse_stale(alert, data, author.id, utcnow())
    return take(data, author, source="webhook")


def _author(raw: str) -> User:
    """The administrator behind the token. Raises 404 for a token that is none, as if the address did not
    exist, and 403 for one that may not do this."""
    token = tokens.authenticate(raw)
    if token is None:
        _nothing_here()
    limits.check("hook", token.id)
    if _SCOPE not in token.scopes:
        raise missing_scope(_SCOPE)
    require_admin(token.user, "publish signals")
    return token.user


def _nothing_here() -> NoReturn:
    raise ApiError(404, "not_found", "There is nothing at this address.")
