"""S17: a form takes its own fields. Whatever else is sent with any form of any page changes nothing and is
noted; the forms themselves have no field that nobody reads."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db
from portal.models import AuditEntry, User
from tests.security import tenants
from tests.security.forms import Form, all_forms
from tests.security.test_changes import SMUGGLED
from tests.visiting import visit

#: Many requests: minutes on a busy machine.
pytestmark = pytest.mark.timeout(400)

#: What a form could be after, beyond the usual ones.
MORE = {
    "credentials": '{"apiKey": "stolen"}', "connection_id": "1", "position_id": "1", "author": "1",
    "approved": "y", "is_approved": "y", "can_withdraw": "y", "allow_withdrawals": "y", "mfa": "off",
    "tf_primary_method": "", "password_hash": "x", "fs_paa": "9999999999", "protected": "y",
    "visibility": "public", "generation": "0", "number": "1", "hash": "x", "revoked_at": "",
    "ended_at": "", "expires_at": "2099-01-01", "_method": "DELETE", "__class__": "x",
    "user.is_admin": "y", "user[role]": "admin", "state": "filled",
}  # fmt: skip
NOTED = "portal.form.unread_fields"


def extra(form: Form) -> dict[str, str]:
    return {name: text for name, text in (SMUGGLED | MORE).items() if name not in form.fields}


def notes() -> list[Any]:
    db.session.rollback()
    query = sa.select(AuditEntry.data).where(AuditEntry.action == NOTED).order_by(AuditEntry.id)
    return list(db.session.scalars(query))


def test_s17_every_form_when_sent_as_it_is_has_no_field_that_nobody_reads(
    app: Flask, alice: User, admin: User, mine: dict[str, int]
) -> None:
    sent = 0
    for user, form in list(all_forms(app, mine, alice, admin)):
        if is_final(form):
            continue
        sent += 1
        assert visit(app, user).post(form.action, form.unchanged()).status_code < 500, form
    assert sent >= 40
    assert notes() == []


def is_final(form: Form) -> bool:
    """What would take away what the forms after it need."""
    gone = r"/delete|-delete|/revoke|/forget|/end|/withdraw/|/cancel$|/close|/users/password/|/publish/"
    return re.search(gone, form.action) is not None


def stored() -> dict[str, list[Any]]:
    """Who owns what, who may do what, what it is worth, which state it is in."""
    return {
        name: rows
        for name, rows in tenants.state(
            without={
                table.name: frozenset({"updated_at", "last_seen_at"}) for table in db.metadata.sorted_tables
            }
        ).items()
        if name not in {"audit_entries", "audit_heads", "user_sessions"}
    }


def test_s17_fields_that_a_form_does_not_have_make_no_difference_on_any_page_and_are_noted(
    app: Flask, alice: User, admin: User, mine: dict[str, int]
) -> None:
    """Each form twice from the same state: as it is, and with everything else beside it."""
    different, unnoted, tried = [], [], 0
    for user, form in list(all_forms(app, mine, alice, admin)):
        if is_final(form) or makes_something(form):
            continue
        tried += 1
        visit(app, user).post(form.action, form.unchanged())
        before, known = stored(), len(notes())
        answer = visit(app, user).post(form.action, form.unchanged() | extra(form))
        assert answer.status_code < 500, form
        after = stored()
        different += [f"{form}: {name}" for name in before if before[name] != after[name]]
        noted = notes()[known:]
        if answer.status_code in (200, 302, 303, 422) and not noted:
            unnoted.append(f"{form} ({answer.status_code})")
        for each in noted:
            assert set(each) == {"page", "fields"}, "names alone"
    assert tried >= 25
    assert different == []
    assert unnoted == []


def makes_something(form: Form) -> bool:
    """Twice is two of them; `test_s17_new_row_…` looks at these."""
    return re.search(r"/new/?$|/tokens$|mf-recovery-codes|import|test", form.action) is not None
