"""Names of people for columns that hold their ids."""

from typing import Any

from portal.db import db
from portal.models import User


def email_of(_view: Any, _context: Any, model: Any, name: str) -> str | None:
    """Column formatter: the address behind an id. The session remembers whom it has seen."""
    user_id = getattr(model, name)
    user = db.session.get(User, user_id) if user_id is not None else None
    return user.email if user is not None else None
