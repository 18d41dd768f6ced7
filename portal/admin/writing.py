"""How Flask-Admin's forms write: through a service or one transaction with its audit entry, never otherwise.

Refusals of services become messages at the fields; anything unexpected is an error page, never half a change.
"""

from collections.abc import Callable
from typing import Any

from flask import flash
from wtforms import Form

from portal.admin.access import actor
from portal.db import transaction
from portal.errors import PortalError, ValidationError
from portal.services import audit
from portal.web import seen


class Writing:
    """Replaces the write methods of Flask-Admin's model view. Views override `store_new`, `store_changes` and
    `remove` when a service owns the table."""

    #: What the thing is called in audit entries: `portal.<noun>.created`.
    noun = ""
    model: Any
    form_columns: Any

    def create_model(self, form: Form) -> Any:
        return _attempt(form, lambda: self.store_new(form))

    def update_model(self, form: Form, model: Any) -> bool:
        warning = seen.changed_meanwhile(model, self.form_columns, self.noun)
        if warning is not None:
            flash(warning, "warning")
            return False
        return _attempt(form, lambda: self.store_changes(form, model.id)) is not None

    def seen(self, model: Any) -> str:
        """For the form's hidden field: the state that its reader has seen."""
        return seen.fingerprint(model, self.form_columns)

    def delete_model(self, model: Any) -> bool:
        return _attempt(None, lambda: self.remove(model.id)) is not None

    def store_new(self, form: Form) -> Any:
        """Create the row and return it. Raises PortalError."""
        with transaction() as session:
            row = self.model()
            form.populate_obj(row)
            session.add(row)
            session.flush()
            audit.record(actor(), f"portal.{self.noun}.created", self.noun, row.id, **changes(form))
        return row

    def store_changes(self, form: Form, row_id: int) -> Any:
        """Change the row and return something. Raises PortalError."""
        with transaction() as session:
            row = session.get_one(self.model, row_id, with_for_update={"of": self.model})
            form.populate_obj(row)
            session.flush()
            audit.record(actor(), f"portal.{self.noun}.changed", self.noun, row.id, **changes(form))
        return row

    def remove(self, row_id: int) -> Any:
        """Delete the row and return something. Raises PortalError."""
        with transaction() as session:
            session.delete(session.get_one(self.model, row_id, with_for_update={"of": self.model}))
            audit.record(actor(), f"portal.{self.noun}.deleted", self.noun, row_id)
        return True


def changes(form: Form) -> dict[str, str]:
    """What the form said, for the audit entry. Password inputs are left out."""
    return {
        field.name: str(field.data)[:500] for field in form if field.data and field.type != "PasswordField"
    }


def show_errors(form: Form | None, error: PortalError) -> None:
    """Put a refusal where the person sees it: at the field, or above the page."""
    if form is None or not isinstance(error, ValidationError):
        flash(error.message, "error")
        return
    aliases = getattr(form, "aliases", {})
    for name, reason in error.errors.items():
        field = form._fields.get(aliases.get(name, name))
        if field is None:
            flash(f"{name}: {reason}", "error")
        else:
            field.errors = [*field.errors, reason]


def _attempt(form: Form | None, write: Callable[[], Any]) -> Any:
    try:
        return write()
    except PortalError as error:
        show_errors(form, error)
        return None
