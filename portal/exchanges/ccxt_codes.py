"""Finds the venue's own error code and words in an answer. Without such a code nothing counts as a
refusal.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: Values of a code field that mean "no error".
_FINE = frozenset(
    {"", "0", "00000", "200", "200000", "None", "ok", "OK", "success", "SUCCESS", "True", "False", "20000"}
)
_CODE_KEYS = (
    "sCode", "retCode", "code", "label", "errorCode", "error_code", "err_code", "err-code", "errCode",
    "ret_code", "bizCode", "returnCode", "status_code", "sendStatus", "error", "errors", "status",
)  # fmt: skip
_TEXT_KEYS = (
    "sMsg", "retMsg", "msg", "message", "error_message", "error_description", "error_details", "err-msg",
    "err_msg", "errMsg", "errorMessage", "new_order_failure_reason", "preview_failure_reason", "description",
    "detail", "reason",
)  # fmt: skip
_NESTED = ("error", "error_response", "response", "data", "result", "errors", "statuses", "sendStatus")
_MOST_LEVELS = 5


@dataclass(frozen=True, slots=True)
class VenueWords:
    """What the venue said of a failure. `code` is None when it gave none that we can read."""

    code: str | None
    text: str


def read_words(body: str) -> VenueWords:
    """The deepest code that is not a success code, and the words beside it."""
    try:
        answer = json.loads(body)
    except ValueError:
        return VenueWords(None, body[:200])
    found = VenueWords(None, "")
    for part in _parts(answer, 0):
        code, text = _code_of(part), _text_of(part)
        if code is not None:
            found = VenueWords(code, text or found.text)
        elif text and not found.text:
            found = VenueWords(found.code, text)
    return found


def _parts(answer: Any, level: int) -> Iterator[Any]:
    """Every object of an answer that may hold an error, outermost first."""
    if level > _MOST_LEVELS:
        return
    if isinstance(answer, list):
        for item in answer[:1]:
            yield from _parts(item, level + 1)
    elif isinstance(answer, Mapping):
        yield answer
        for key in _NESTED:
            if isinstance(answer.get(key), (Mapping, list)):
                yield from _parts(answer[key], level + 1)
    elif isinstance(answer, str) and level > 0:
        yield answer


def _code_of(part: Any) -> str | None:
    if isinstance(part, str):  # Kraken: {"error": ["EOrder:Insufficient funds"]}
        return part if ":" in part and " " not in part.split(":")[0] else None
    for key in _CODE_KEYS:
        value = part.get(key)
        if isinstance(value, (str, int)) and str(value) not in _FINE and not _is_status(key, value):
            return str(value)[:80]
    return None


def _is_status(key: str, value: object) -> bool:
    """`status` is a code for the few venues that write an error there, and an order's or an HTTP state for
    others.
    """
    return key == "status" and str(value).lower() not in {"err", "error", "fail", "failed"}


def _text_of(part: Any) -> str:
    if isinstance(part, str):
        return part
    return next((str(part[key]) for key in _TEXT_KEYS if part.get(key)), "")
