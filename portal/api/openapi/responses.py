"""The answers that go wrong, by name."""

from portal.api.openapi.build import ref
from portal.db import JsonDict

_BODY: JsonDict = {"application/json": {"schema": ref("Error")}}
_TEXTS = {
    "Unauthorized": "No valid token came with the request.",
    "Forbidden": "The token lacks the scope, or its user may not do this.",
    "NotFound": "It does not exist, or it is not yours.",
    "Conflict": "It contradicts what is stored; nothing was changed.",
    "TooLarge": "The body was larger than 16 KB and was not read.",
    "WrongType": "The body was not sent as application/json.",
    "Invalid": "Something in the request was wrong; nothing was stored. There is a reason per field.",
    "TooMany": "Too many calls in this minute; see Retry-After.",
    "Failed": "Something unexpected happened; the error has an id.",
    "Unavailable": "The database did not answer in time. Send it again: with a dedupe key a repeat is safe.",
}
_STATUSES = {
    401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 413: "TooLarge",
    415: "WrongType",    422: "Invalid", 429: "TooMany", 500: "Failed", 503: "Unavailable",
}  # fmt: skip

RESPONSES: JsonDict = {name: {"description": text, "content": _BODY} for name, text in _TEXTS.items()}


def errors(*statuses: int) -> JsonDict:
    """References for these statuses; 429, 500 and 503 can happen everywhere."""
    return {
        str(status): {"$ref": f"#/components/responses/{_STATUSES[status]}"}
        for status in (*statuses, 429, 500, 503)
    }
