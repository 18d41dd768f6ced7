"""Two people in one form: who saves second is told, instead of undoing what the first has done."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask import request
from wtforms import Form

from portal.db import db, utcnow
from portal.models import AuditEntry

FIELD = "seen"
_LOOK_BACK = timedelta(days=7)


def fingerprint(row: Any, names: Iterable[str]) -> str:
    """What these columns of `row` hold, as a short text for a hidden field. Names that the row does not have
    (inputs that are only written) do not count."""
    values = sorted((name, _plain(getattr(row, name))) for name in names if hasattr(row, name))
    return hashlib.sha256(repr(values).encode()).hexdigest()[:32]


def changed_meanwhile(row: Any, names: Iterable[str], noun: str) -> str | None:
    """A sentence when the form that was sent shows an older state of `row` than there is now. A form without
    the hidden field is not asked. Reads only."""
    seen = request.form.get(FIELD)
    if not seen or seen == fingerprint(row, names):
        return None
    entry = db.session.execute(
        sa.select(AuditEntry.actor, AuditEntry.at)
        .where(
            AuditEntry.object_type == noun, AuditEntry.object_id == row.id,
            AuditEntry.at >= utcnow() - _LOOK_BACK,
        )
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).first()  # fmt: skip
    who = f"{entry.actor} changed this at {entry.at:%H:%M:%S} UTC" if entry else "This was changed"
    return (
        f"{who}, after you had opened it. Nothing of yours was saved yet. Your entries are kept below: "
        "compare them in another tab, and save again to put them in place of what was changed."
    )


def said(form: Form, row: Any, names: Iterable[str], noun: str) -> bool:
    """Whether the row was changed meanwhile; then the sentence stands above the form."""
    sentence = changed_meanwhile(row, names, noun)
    if sentence is not None:
        form.form_errors.append(sentence)
    return sentence is not None


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple | set):
        return repr([_plain(each) for each in value])
    return str(getattr(value, "id", value)) if hasattr(type(value), "__tablename__") else repr(value)
