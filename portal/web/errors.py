"""Pages for everything that goes wrong: what happened, what was not done, what to do next. No traces."""

import logging
import secrets
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from portal.errors import ConflictError, NotFoundError, PortalError, ValidationError
from portal.web import kept_forms
from portal.web.bad_text import UnkeepableText

logger = logging.getLogger(__name__)

#: Title and sentence per status.
_WORDS = {
    400: ("This request was not understood", "Nothing was changed. Go back, reload the page and try again."),
    401: ("Please log in", "You have to be logged in to see this page. Nothing was changed."),
    403: ("This page is not for your account", "It is reserved for administrators. Nothing was changed."),
    404: (
        "There is nothing here",
        "The page does not exist, or it is not yours to see. Nothing was changed.",
    ),
    405: ("This address does not work that way", "Nothing was changed. Use the button on the page instead."),
    409: ("This is no longer possible", "Nothing was changed."),
    413: (
        "That was too much at once",
        "The request was larger than 1 MB and was not read. Nothing was changed. Go back and send less.",
    ),
    422: ("The input was refused", "Nothing was stored."),
    429: ("Too many attempts", "Nothing was done this time. Wait a few minutes, then try again."),
    500: (
        "Something broke on our side",
        "It was written to the log. Check whether what you asked for was done before you ask again.",
    ),
    503: (
        "Portico cannot answer right now",
        "Check whether what you asked for was done. Then try again in a minute.",
    ),
}
_TOO_OLD = "This form was too old"
_EARLIER = "Nothing was changed. The page was opened in an earlier session, or before you logged in again."
_KEPT = (
    "What you typed is kept for 15 minutes and comes back in the form (not passwords and keys):"
    " look it over, then send it again."
)
_CLEANED = "What you typed comes back in the form, without that character: look it over, then send it again."
_NOT_KEPT = (
    "Open the page again and do it once more. What you had typed may still be behind your browser's Back."
)
_FOREIGN = (
    "Nothing was changed. The form did not come from a page of this portal, or your browser does not say so."
    " Nothing of it was kept."
)
#: The second for failures of our own, when the database may be the reason.
_TEMPLATES = ("error.html", "error_plain.html")
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
        return _answer(400, _FOREIGN, title="This form was not taken")
    label, address = _again(way)
    if not current_user.is_authenticated and not (request.endpoint or "").startswith("security."):
        label, address = "Log in again", url_for("security.login", next=way.address)
    more = _KEPT if way.kept else _NOT_KEPT
    return _answer(400, _EARLIER, title=_TOO_OLD, more=more, way=(label, address))


def _unkeepable(error: UnkeepableText) -> ResponseReturnValue:
    way = kept_forms.keep() if request.method == "POST" else None
    more, button = (_CLEANED, _again(way)) if way is not None and way.kept else (None, None)
    return _answer(400, error.description, more=more, way=button)


def _again(way: kept_forms.Way) -> tuple[str, str]:
    return "Open the form again" if way.kept else "Open the page again", way.address


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
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
    reference = secrets.token_hex(4)
    logger.error("error %s at %s %s", reference, request.method, request.path, exc_info=error)
    return _answer(500, reference=reference)


def _is_for_programs() -> bool:
    return request.path.startswith(("/api/", "/hooks/"))


def _answer(status: int, sentence: str | None = None, **words: Any) -> Response:
    title, usual = _WORDS.get(status, ("That did not work", "Nothing was changed."))
    sentence, reference = sentence or usual, words.get("reference")
    if _is_for_programs():
        body = {"error": sentence} | ({"reference": reference} if reference else {})
        response = jsonify(body)
    else:
        words = {"title": title, "sentence": sentence, "status": status, "back": _back(status)} | words
        response = make_response(render_template(_TEMPLATES[status >= 500], **words))
    response.status_code = status
    return response


def _back(status: int) -> tuple[str, str]:
    """Where somebody goes on from here."""
    if request.path.startswith("/admin/") and status != 403:
        return "Back to the administration", "/admin/"
    return "Back to the portal", "/"
