"""One shape for every error of the API: `{"error": {"code", "message", "fields"?, "id"?}}`. Never a trace,
never what was sent."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException, default_exceptions

from portal.errors import ConflictError, NotFoundError, PortalError, ValidationError
from portal.services import outages

logger = logging.getLogger(__name__)

_UNAVAILABLE = (
    "The database did not answer. As far as we know nothing was stored; send the request again, with the "
    "same key "
    "where it has one: a repeat is safe."
)
_CODES = {
    400: ("bad_request", "The request could not be understood; nothing was done."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method; see /api/v1/openapi.json."),
    413: (
        "body_too_large",
        "The body was too large and was not read; nothing was stored. The limit is 16 KB.",
    ),
    415: ("unsupported_media_type", "Send the body as application/json; nothing was stored."),
    500: ("internal_error", "Something unexpected happened."),
}


class ApiError(Exception):
    """An answer of our own: status, code and a sentence; `headers` go with it."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.fields = dict(fields) if fields is not None else None
        self.headers = dict(headers or {})


def unavailable() -> ApiError:
    """503, when the database is away or too slow."""
    return ApiError(503, "unavailable", _UNAVAILABLE, headers={"Retry-After": "5"})


def answer(error: ApiError, **more: str) -> Response:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.fields is not None:
        body["fields"] = error.fields
    response = jsonify({"error": body | more})
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def on_error(error: Exception) -> Response:
    """Answer whatever was raised; what nobody expected gets an id that the log has too."""
    known = _translate(error)
    if known is not None:
        return answer(known)
    error_id = secrets.token_hex(8)
    # The address is not logged: the webhook's has a token in it.
    logger.error("error %s in %s %s", error_id, request.method, request.endpoint, exc_info=error)
    unknown = ApiError(
        500,
        "internal_error",
        f"Something unexpected happened. Look first whether the request took effect; the operator finds "
        f"the cause in "
        f"the log under {error_id}.",
    )
    return answer(unknown, id=error_id)


def register(blueprint: Blueprint) -> None:
    """Let the blueprint answer its errors in JSON, also where the app has pages for a status."""
    for code in default_exceptions:
        blueprint.register_error_handler(code, on_error)
    blueprint.register_error_handler(Exception, on_error)


def answer_unknown_route() -> Response | None:
    """For `before_request`: an address below /api or /hooks that no blueprint has is answered in JSON too."""
    if request.routing_exception is None or not request.path.startswith(("/api/", "/hooks/")):
        return None
    return on_error(request.routing_exception)


def _translate(error: Exception) -> ApiError | None:
    match error:
        case ApiError():
            return error
        case ValidationError():
            return ApiError(
                422, "invalid", "The request was refused; nothing was stored.", fields=error.errors
            )
        case ConflictError():
            return ApiError(409, "conflict", error.message)
        case NotFoundError():
            return ApiError(404, "not_found", error.message)
        case PortalError():
            return ApiError(400, "refused", error.message)
        case HTTPException():
            return _from_http(error)
        case Exception() if outages.passes(error):
            logger.warning("the database did not answer: %s", type(error).__name__)
            return unavailable()
    return None


def _from_http(error: HTTPException) -> ApiError | None:
    status = error.code or 500
    if status == 500:
        return None
    code, message = _CODES.get(
        status, (error.name.lower().replace(" ", "_"), error.description or error.name)
    )
    headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
    return ApiError(status, code, message, headers=headers)
