"""Notes fields of a form that no code asked for. What nobody reads changes nothing; who sends such fields is
trying something, or a form has lost its reader, and either should be known. Names are noted, never values."""

import logging
import re
from typing import Any

from flask import Flask, Response, g, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from portal.db import db, transaction
from portal.models import User
from portal.services import audit

logger = logging.getLogger(__name__)

_REACHED = "portal_view_reached"
#: The form was looked at: carried out, shown again or refused with a reason.
_LOOKED_AT = (200, 302, 303, 422)
#: Parts of forms of ours that are read only when there is a reason to.
_OURS = frozenset({"seen", "csrf_token", "submit"})
_MOST = 20
_ORDINARY = re.compile(r"[\w.-]{1,60}")


class WatchedFields(ImmutableMultiDict[str, str]):
    """The fields of a form, and which of them were asked for by name."""

    def __init__(self, fields: Any = None) -> None:
        super().__init__(fields)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def getlist(self, key: str, *args: Any, **kwargs: Any) -> list[Any]:
        self.asked.add(key)
        return super().getlist(key, *args, **kwargs)

    def copy(self) -> MultiDict[str, str]:  # type: ignore[override]
        """A copy that can be changed: whoever makes one is trusted to read it all."""
        self.asked.update(self)
        return MultiDict(self)

    def unread(self) -> list[str]:
        """Names that nobody asked for."""
        return sorted(name for name in self if name not in self.asked and name not in _OURS)


def init_app(app: Flask) -> None:
    """Watch every form that a page sends."""
    app.before_request(_watch)
    app.after_request(_note)


def init_last(app: Flask) -> None:
    """Tell views that were reached from requests that were answered before. After everybody else's hooks."""
    app.before_request(_reach)


def _reach() -> None:
    setattr(g, _REACHED, True)


def _watch() -> None:
    if request.method == "POST" and not request.path.startswith(("/api/", "/hooks/")):
        # Whoever reads the form from here on is seen doing it.
        request.form = WatchedFields(request.form)


def _note(response: Response) -> Response:
    fields = request.__dict__.get("form")
    looked_at = g.get(_REACHED) and response.status_code in _LOOKED_AT
    if not isinstance(fields, WatchedFields) or not looked_at:
        return response
    unread = fields.unread()
    if unread and current_user.is_authenticated:
        _write(current_user.id, [name if _ORDINARY.fullmatch(name) else "an odd name" for name in unread])
    return response


def _write(user_id: int, names: list[str]) -> None:
    logger.warning("%s was sent fields that nobody read: %s", request.endpoint, ", ".join(names[:_MOST]))
    try:
        with transaction():
            person = db.session.get(User, user_id)
            if person is not None:
                audit.record(
                    person, "portal.form.unread_fields", "form", page=request.endpoint, fields=names[:_MOST]
                )
    except SQLAlchemyError:
        logger.exception("the fields of a form could not be noted")
