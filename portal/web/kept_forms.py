"""A form whose token or session was too old: what was typed is kept and comes back in the form itself, after
a login where one is needed. Nothing is ever carried out from here: a person looks at it and sends it again.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import sqlalchemy as sa
from flask import Flask, Response, flash, request, session, url_for
from flask.globals import request_ctx
from flask_login import current_user
from redis import RedisError
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from portal.db import db
from portal.models import User
from portal.web import held_forms, origins, refill, throttle
from portal.web.security_fresh import HELD, held_for

#: The parameter of a page that names what to fill its form with.
PARAMETER = "kept"
#: In the session of this browser: the names it may ask for.
_MINE = "kept_forms"
_MOST_TABS = 5
_MOST_BYTES = 32 * 1024
#: What people without a login may leave here within the time that forms are kept: from one address, and all.
_STRANGERS_PER_ADDRESS, _STRANGERS = 20, 400
#: These never go back into a page, so they are not kept at all.
_SECRET = re.compile(
    r"pass(word|phrase)|secret|api_?key|private_?key|wallet|credential|token|recovery|^uid$|^code$|^url$",
    re.I,
)
#: How the address that was sent to is kept beside what was typed.
_ADDRESS, _PERSON = "\x00address", "\x00person"
#: Beside it, when something that was typed is not kept.
_LEFT_OUT = "\x00left_out"
_BESIDES = frozenset({_ADDRESS, _PERSON, _LEFT_OUT})
#: Named like a secret, and nothing that anybody typed.
_NOT_TYPED = frozenset({"csrf_token"})
_OVER = "Your session was over. Nothing was done. Log in again: "
_COMES_BACK = "what you typed is kept for 15 minutes and comes back in its form{}."
#: Said only where there was one.
NO_SECRETS = " (not passwords and keys)"
_GO_ON = "then do it once more."


@dataclass(frozen=True, slots=True)
class Way:
    """Where to go on after a form was refused, whether what was typed waits there, and whether a secret was
    typed, too, which does not."""

    address: str
    kept: bool
    left_out: bool = False


def init_app(app: Flask) -> None:
    """Keep what is typed into a session that is over, and fill the forms it comes back to."""
    app.after_request(_fill)
    app.after_request(_keep_before_login)


def is_secret(name: str) -> bool:
    """Whether a field of this name is never kept."""
    return _SECRET.search(name) is not None


def keep() -> Way | None:
    """Keep what this request brought. None when no page of ours sent it; changes nothing but what is kept."""
    if not origins.is_own():
        return None
    page = page_of_form()
    if page is None:
        return Way("/admin/" if request.path.startswith("/admin/") else "/", kept=False)
    brought = _typed()
    left_out = any(is_secret(name) and value and name not in _NOT_TYPED for name, value in brought)
    held = _hold(brought, left_out=left_out)
    return Way(_with(page, held), kept=held is not None, left_out=left_out)


def _hold(brought: list[tuple[str, str]], *, left_out: bool) -> str | None:
    typed = [(_clean(name), _clean(value)) for name, value in brought if not is_secret(name)]
    if not any(value.strip() for name, value in typed if name != refill.SEEN):
        return None
    if sum(len(name) + len(value) for name, value in typed) > _MOST_BYTES or not _is_allowed():
        return None
    person = str(session.get("_user_id") or "")
    besides = [(_ADDRESS, _here()), (_PERSON, person), (_LEFT_OUT, "yes" if left_out else "")]
    held = held_forms.hold([*typed, *besides], "its form")
    if held is not None:
        session[_MINE] = [*session.get(_MINE, [])[-_MOST_TABS + 1 :], held]
    return held


def _clean(text: str) -> str:
    # What `bad_text` refuses must not come back.
    return text.replace("\x00", "")


def _typed() -> list[tuple[str, str]]:
    """The fields of the form; those behind the question for the password, when that was the form."""
    held = request.form.get(HELD)
    if held is None:
        return list(request.form.items(multi=True))
    person = sa.select(User.id).where(User.fs_uniquifier == str(session.get("_user_id") or ""))
    return held_forms.let_go(held, held_for(db.session.scalar(person) or 0)) or []


def _is_allowed() -> bool:
    """People who have logged in always; others so often that they cannot fill the memory."""
    if session.get("_user_id"):
        return True
    counts = {
        f"portal:held:from:{throttle.hidden_place(request.remote_addr or '')}": _STRANGERS_PER_ADDRESS,
        "portal:held:from:anywhere": _STRANGERS,
    }
    try:
        pipe = held_forms.redis().pipeline()
        for key in counts:
            pipe.set(key, 0, ex=held_forms.KEPT_SECONDS, nx=True)
            pipe.incr(key)
        found = pipe.execute()[1::2]
    except RedisError:
        return False
    return all(count <= most for count, most in zip(found, counts.values(), strict=True))


def page_of_form() -> str | None:
    """The page that shows the form: where the request came from, or else its own address or the one above."""
    above = request.path.rstrip("/").rpartition("/")[0]
    for address in (origins.referring_address(), request.full_path.rstrip("?"), above):
        if address and _can_be_read(urlsplit(address).path):
            return _without(address)
    return None


def _can_be_read(path: str) -> bool:
    adapter = request_ctx.url_adapter
    if adapter is None:
        return False
    try:
        endpoint, _ = adapter.match(path, method="GET")
    except (RequestRedirect, HTTPException):
        return False
    return bool(endpoint != "security.logout")


def _keep_before_login(response: Response) -> Response:
    """Somebody whose session is over sent a form and is on the way to the login."""
    if request.method != "POST" or response.status_code != 302 or current_user.is_authenticated:
        return response
    if request.endpoint == "security.logout":
        # Somebody who wanted to leave.
        return response
    if urlsplit(response.location or "").path != url_for("security.login"):
        return response
    way = keep()
    if way is not None:
        session.pop("_flashes", None)
        comes_back = _COMES_BACK.format(NO_SECRETS if way.left_out else "")
        flash(_OVER + (comes_back if way.kept else _GO_ON), "warning")
        response.location = url_for("security.login", next=way.address)
    return response


def _fill(response: Response) -> Response:
    held = request.args.get(PARAMETER, "")
    if request.method != "GET" or not held or held not in session.get(_MINE, []):
        return response
    if response.status_code in (301, 302, 303, 308) and PARAMETER not in (response.location or ""):
        # A page that only leads to another: what was typed goes with it.
        response.location = _with(_without(response.location or "/"), held)
        return response
    if response.status_code != 200 or response.mimetype != "text/html" or response.is_streamed:
        return response
    fields = held_forms.look(held, "its form")
    kept = dict(fields or [])
    if fields is None or kept[_PERSON] not in ("", session.get("_user_id")):
        return response
    typed = [(name, value) for name, value in fields if name not in _BESIDES]
    where, left_out = (_here(), kept[_ADDRESS]), bool(kept.get(_LEFT_OUT))
    page = refill.refilled(response.get_data(as_text=True), where, typed, left_out=left_out)
    response.set_data(page)
    return response


def _here() -> str:
    return _without(request.full_path.rstrip("?"))


def _without(address: str) -> str:
    """`address` without the name of something that was kept before."""
    parts = urlsplit(address)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != PARAMETER]
    return parts._replace(scheme="", netloc="", query=urlencode(query), fragment="").geturl()


def _with(address: str, held: str | None) -> str:
    if held is None:
        return address
    parts = urlsplit(address)
    return parts._replace(query="&".join(filter(None, [parts.query, f"{PARAMETER}={held}"]))).geturl()
