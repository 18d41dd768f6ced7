"""Reading what machines send: small, strict, exact. No field of the domain is known here."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from portal.api.errors import ApiError
from portal.errors import ValidationError

#: A signal is a few hundred bytes; whatever is bigger is a mistake or worse.
MAX_BYTES = 16 * 1024
_MAX_INTEGER_DIGITS = 60


def read_body() -> bytes:
    """The raw body. Raises 413, from its announced length before anything of it is read, where it has one."""
    # One more than allowed: of a body without a length, Werkzeug silently gives the part within the limit.
    request.max_content_length = MAX_BYTES + 1
    body = request.get_data(cache=False)
    if len(body) > MAX_BYTES:
        raise RequestEntityTooLarge
    return body


def read_json() -> dict[str, Any]:
    """The body as a JSON object with exact numbers. Raises ApiError (415, 413) and ValidationError."""
    if not request.is_json:
        raise ApiError(
            415, "unsupported_media_type", "Send the body as application/json; nothing was stored."
        )
    return parse_object(read_body())


def parse_object(body: bytes) -> dict[str, Any]:
    """One JSON object: decimals stay exact, repeated names, NaN, Infinity and text that cannot be stored are
    refused.

    Raises ValidationError, with the reason at the name it belongs to where there is one.
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=Decimal,
            object_pairs_hook=_unique_names,
        )
    except UnicodeDecodeError:
        _refuse("body", "was not UTF-8 text")
    except json.JSONDecodeError as error:
        _refuse("body", f"was not JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        _refuse("body", "was nested too deeply")
    if not isinstance(value, dict):
        _refuse("body", "was not a JSON object; send {…}")
    for name, item in value.items():
        reason = _reason_against(name) or _reason_against(item)
        if reason:
            _refuse(name if _is_storable(name) else "body", reason)
    return value


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            _refuse(name if _is_storable(name) else "body", "was given twice; say it once")
        found[name] = value
    return found


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


def _integer(text: str) -> int | Decimal:
    return int(text) if len(text) <= _MAX_INTEGER_DIGITS else _decimal(text)


def _reason_against(value: Any) -> str | None:
    match value:
        case Decimal() if not value.is_finite():
            return "was not a finite number; give a plain number such as 0.5"
        case str() if not _is_storable(value):
            return "held a character that cannot be stored (NUL or half a surrogate pair)"
        case list():
            return next(filter(None, map(_reason_against, value)), None)
        case dict():
            return next(
                filter(None, (_reason_against(each) for pair in value.items() for each in pair)), None
            )
    return None


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _refuse(name: str, reason: str) -> NoReturn:
    raise ValidationError({name: reason})
