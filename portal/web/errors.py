"""Pages for everything that goes wrong: what happened, what was not done, what to do next. No traces."""

import logging
import secrets
from types import SimpleNamespace
from typing import Any

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from redis import RedisError
from werkzeug.exceptions import HTTPException

from portal.errors import ConflictError, NotFoundError, PortalError, ValidationError
from portal.services import outages
from portal.web import error_words as words
from portal.web import kept_forms, origins
from portal.web.bad_text import UnkeepableText

logger = logging.getLogger(__name__)

_READING = ("GET", "HEAD")
_STATUS = {NotFoundError: 404, ConflictError: 409, ValidationError: 422}


def init_app(app: Flask) -> None:
    """Answer every HTTP error and every error of ours with a page; with JSON below `/api/` and `/hooks/`."""
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(UnkeepableText, _unkeepable)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(PortalError, _portal_error)
    app.register_error_handler(Exception, _unexpected)


def _csrf_error(_error: CSRFError) -> ResponseReturnValue:
    way = None if _is_for_programs() else kept_forms.keep()
    if way is None:
        return _answer(400, words.FOREIGN, title=words.FOREIGN_TITLE)
    label, address = _again(way)
    if not current_user.is_authenticated and not (request.endpoint or "").startswith("security."):
        label, address = "Log in again", url_for("security.login", next=way.address)
    kept = words.KEPT.format(kept_forms.NO_SECRETS if way.left_out else "")
    more = kept if way.kept else words.NOT_KEPT
    return _answer(400, words.EARLIER, title=words.TOO_OLD, more=more, way=(label, address))


def _unkeepable(error: UnkeepableText) -> ResponseReturnValue:
    way = kept_forms.keep() if request.method == "POST" else None
    more, button = (words.CLEANED, _again(way)) if way is not None and way.kept else (None, None)
    return _answer(400, error.description, more=more, way=button)


def _again(way: kept_forms.Way) -> tuple[str, str]:
    return "Open the form again" if way.kept else "Open the page again", way.address


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    original = getattr(error, "original_exception", None)
    if original is not None:
        # Raised while an answer to another error was made: asking who is looking failed too.
        return _unexpected(original)
    status = error.code or 500
    if status < 400:
        return error.get_response()
    answer = _answer(status)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _portal_error(error: PortalError) -> ResponseReturnValue:
    return _answer(_STATUS.get(type(error), 400), error.message)


def _unexpected(error: Exception) -> ResponseReturnValue:
    if outages.passes(error) or isinstance(error, RedisError):
        return _away("Redis" if isinstance(error, RedisError) else "The database", error)
    reference = secrets.token_hex(4)
    logger.error("error %s at %s %s", reference, request.method, request.path, exc_info=error)
    return _answer(500, reference=reference, way=_try_again())


def _away(what: str, error: Exception) -> ResponseReturnValue:
    logger.warning("%s did not answer at %s %s: %s", what, request.method, request.path, type(error).__name__)
    sentence = words.AWAY_READING if request.method in _READING else words.AWAY_SENDING
    answer = _answer(503, sentence.format(what), more=words.ORDERS_STAY, way=_try_again())
    answer.headers["Retry-After"] = "30"
    return answer


def _try_again() -> tuple[str, str] | None:
    if request.method not in _READING:
        return _back_to_page()
    # One slash: what begins with two is an address elsewhere.
    return "Try again", "/" + request.full_path.rstrip("?").lstrip("/\\")


def _back_to_page() -> tuple[str, str] | None:
    """The page of ours from which something was sent."""
    if request.method in _READING or _is_for_programs() or not origins.is_own():
        return None
    page = kept_forms.page_of_form()
    return None if page is None else ("Back to the page", page)


def _is_for_programs() -> bool:
    return request.path.startswith(("/api/", "/hooks/"))


def _answer(status: int, sentence: str | None = None, **more: Any) -> Response:
    title, usual = words.BY_STATUS.get(status, words.ANY)
    sentence, reference = sentence or usual, more.get("reference")
    if _is_for_programs():
        body = {"error": sentence} | ({"reference": reference} if reference else {})
        response = jsonify(body)
    else:
        said = {"title": title, "sentence": sentence, "status": status, "way": _back_to_page()} | more
        response = make_response(_plain(said) if status >= 500 else _page(said))
    response.status_code = status
    return response


def _plain(said: dict[str, Any]) -> str:
    """Of failures of our own the database may be the reason, so nothing asks who is looking."""
    template = current_app.jinja_env.get_template("error_plain.html")
    return template.render(said, back=_back(request.path.startswith("/admin/")))


def _page(said: dict[str, Any]) -> str:
    person = current_user
    inside = request.path.startswith("/admin/") and person.is_authenticated and person.is_admin
    back = _back(inside) if person.is_authenticated else ("Log in", url_for("security.login"))
    # The administration draws its menu from the view that is looked at; an error is none of them.
    frame = SimpleNamespace(admin=current_app.extensions["admin"][0], name=said["title"]) if inside else None
    return render_template("error.html", back=back, admin_view=frame, **said)


def _back(inside: bool) -> tuple[str, str]:
    """Where somebody goes on from here."""
    return ("Back to the administration", "/admin/") if inside else ("Back to the portal", "/")
