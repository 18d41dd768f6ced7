"""Long lists on pages: newest first, `?before=ID` for what is older."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from flask import request, url_for

from portal.db import Base, db

PER_PAGE = 25
#: What stays in the address from page to page.
_FILTERS = ("status", "show", "kind")

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page, and the addresses of the first and the next one where there are such."""

    rows: list[Row]
    first_url: str | None
    next_url: str | None


def page_of(query: sa.Select[Row], model: type[Row], *, per_page: int = PER_PAGE) -> Page[Row]:
    """The page that the request asks for. A cursor that cannot be one is taken as none."""
    id_column: Any = model.id  # type: ignore[attr-defined]
    before = _cursor()
    if before is not None:
        query = query.where(id_column < before)
    rows: list[Any] = list(db.session.scalars(query.order_by(id_column.desc()).limit(per_page + 1)))
    shown, more = rows[:per_page], len(rows) > per_page
    return Page(
        shown,
        first_url=_address(None) if before is not None else None,
        next_url=_address(shown[-1].id) if more else None,
    )


def latest(query: sa.Select[Row], model: type[Row], limit: int) -> list[Row]:
    """The newest rows of `query`."""
    id_column: Any = model.id  # type: ignore[attr-defined]
    return list(db.session.scalars(query.order_by(id_column.desc()).limit(limit)))


def _cursor() -> int | None:
    text = request.args.get("before", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _address(before: int | None) -> str:
    kept: dict[str, Any] = {name: request.args[name] for name in _FILTERS if name in request.args}
    return url_for(str(request.endpoint), **{**(request.view_args or {}), **kept, "before": before})
