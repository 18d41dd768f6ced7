"""Names of people for columns that hold their ids: one question for a whole list."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask import g

from portal.db import db
from portal.models import User


def remember(user_ids: Iterable[int | None]) -> None:
    """Read these people's addresses at once, for the columns of a list."""
    wanted = {each for each in user_ids if each is not None} - _known().keys()
    if wanted:
        rows = db.session.execute(sa.select(User.id, User.email).where(User.id.in_(wanted))).all()
        _known().update(dict.fromkeys(wanted) | dict(rows))


def email_of(_view: Any, _context: Any, model: Any, name: str) -> str | None:
    """Column formatter: the address behind an id. The request remembers whom it has asked for."""
    user_id = getattr(model, name)
    remember([user_id])
    return _known().get(user_id)


def _known() -> dict[int, str | None]:
    found: dict[int, str | None] = g.setdefault("portal_addresses", {})
    return found
