"""One page of the log, for operators and owners alike: its lines, their stories, and where to go on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request, url_for

from portal.errors import ValidationError
from portal.models import ExecutionLog
from portal.services import log_kinds, log_search
from portal.web.log_filters import Asked

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class LogPage:
    """What a page of the log shows."""

    lines: list[ExecutionLog]
    #: The execution that tells the story, by the number of the line.
    stories: Mapping[int, int]
    first_url: str | None = None
    next_url: str | None = None
    #: The page reads itself again.
    follows: bool = False
    #: Starts or ends that.
    follow_url: str | None = None
    #: Why nothing was looked for.
    refused: str = ""
    #: What was done that was not asked for.
    notes: list[str] = field(default_factory=list)


def look(asked: Asked, *, owner_id: int | None = None) -> LogPage:
    """The page that the address asks for; of one owner only, when given."""
    before = _before()
    try:
        found = log_search.lines(asked.search, owner_id=owner_id, before=before, limit=PER_PAGE + 1)
    except ValidationError as error:
        reasons = "; ".join(f"{name} {reason}" for name, reason in error.errors.items())
        return LogPage([], {}, refused=f"{reasons.capitalize()}.")
    shown, more = found[:PER_PAGE], len(found) > PER_PAGE
    follows = before is None and request.args.get("follow") == "1"
    return LogPage(
        shown,
        log_search.executions_of(shown),
        first_url=address(asked) if before is not None else None,
        next_url=address(asked, before=str(shown[-1].id)) if more else None,
        follows=follows,
        follow_url=address(asked) if follows else address(asked, follow="1"),
        notes=_notes(asked),
    )


def address(asked: Asked, *, at: str | None = None, **more: str) -> str:
    """This page, or the endpoint `at`, with the usable filters."""
    values: dict[str, Any] = {**asked.args, **more}
    return url_for(at or str(request.endpoint), **values)


def level(line: ExecutionLog) -> str:
    """How grave a line is, as a word."""
    return log_kinds.level_of(line.event).value


def tone(line: ExecutionLog) -> str:
    """The colour of its event."""
    return log_kinds.tone_of(line.event)


def _before() -> int | None:
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _notes(asked: Asked) -> list[str]:
    if not asked.search.needs_span or asked.search.since is not None:
        return []
    days = log_search.USUAL_SPAN.days
    return [f"Looked at {days} days only, because these filters read every line. Set “From” for more."]
