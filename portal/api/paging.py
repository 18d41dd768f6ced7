"""Lists in pages: `?after=CURSOR&limit=N`, and `next` in the answer. A cursor is the id of the last row, for
now."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import request

from portal.db import Base, JsonDict, db
from portal.errors import ValidationError

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
_MAX_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows, and the cursor of the next one."""

    rows: list[Any]
    next: str | None


def read_number(name: str, *, largest: int, smallest: int = 1) -> int | None:
    """A whole number from the query string, or None when it was not given. Raises ValidationError."""
    text = request.args.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and smallest <= int(text) <= largest):
        raise ValidationError({name: f"must be a whole number from {smallest} to {largest}"})
    return int(text)


def read_cursor() -> int | None:
    """`?after=` from the query string. Raises ValidationError for anything that was never a `next`."""
    try:
        return read_number("after", largest=_MAX_ID)
    except ValidationError:
        raise ValidationError({"after": "must be the `next` of an earlier answer"}) from None


def fetch_page(query: sa.Select[Any], model: type[Base]) -> Page:
    """The page of `query` that the request asks for, oldest first. Raises ValidationError."""
    id_column: Any = model.id  # type: ignore[attr-defined]
    limit = read_number("limit", largest=MAX_LIMIT) or DEFAULT_LIMIT
    after = read_cursor()
    if after is not None:
        query = query.where(id_column > after)
    rows = list(db.session.scalars(query.order_by(id_column).limit(limit + 1)).unique())
    more = len(rows) > limit
    return Page(rows[:limit], str(rows[limit - 1].id) if more else None)


def as_list(page: Page, shape: Callable[[Any], JsonDict]) -> JsonDict:
    return {"items": [shape(row) for row in page.rows], "next": page.next}


def refuse_unknown(*, known: Iterable[str] = ()) -> None:
    """Raises ValidationError for a query parameter that nobody would read: a misspelt filter must not list
    everything."""
    allowed = {*known, "after", "limit"}
    unknown = sorted(set(request.args) - allowed)
    if unknown:
        reason = f"is not known here; known are {', '.join(sorted(allowed))}"
        raise ValidationError(dict.fromkeys(unknown, reason))
