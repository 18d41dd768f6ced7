"""Invitations: made with a link that is shown once, and taken back. The stored hash is never shown."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_admin.form import BaseForm
from wtforms import SelectField
from wtforms.validators import InputRequired

from portal.admin import values
from portal.admin.access import actor
from portal.admin.base import Button, PortalModelView
from portal.admin.confirming import act, found
from portal.admin.fields import TextField
from portal.admin.routing import route
from portal.admin.writing import show_errors
from portal.errors import ConflictError, PortalError, ValidationError
from portal.models import Invitation
from portal.services import invitations, users
from portal.web.shown_once import shows_once


class InvitationForm(BaseForm):  # type: ignore[misc]
    email = TextField("E-mail address", validators=[InputRequired("An invitation needs an address.")])
    role = SelectField(
        "Role", choices={role: f"{role}: {text}" for role, text in users.ROLES.items()}, default="trader"
    )


class InvitationView(PortalModelView):
    noun = "invitation"
    can_create = True
    form = InvitationForm
    form_columns = ("email", "role")
    introduction = (
        "A link with which somebody sets a password. It works once, for 72 hours; pass it on yourself."
    )
    empty_message = "Nobody was invited yet."
    column_default_sort = ("id", True)
    column_list = ("email", "role", "accepted_at", "expires_at", "created_at")
    column_details_list = ("email", "role", "accepted_at", "expires_at", "withdrawn_at", "created_at")
    column_export_list = ("id", "email", "role", "accepted_at", "expires_at", "withdrawn_at", "created_at")
    column_searchable_list = ("email",)
    column_sortable_list = ("created_at", "email")
    column_filters = ()
    column_labels = {"email": "E-mail address", "accepted_at": "Status"}
    column_formatters = {
        "accepted_at": lambda _v, _c, row, _n: values.status_badge(invitations.status(row)),
    }

    def buttons(self, model: Any) -> list[Button]:
        if invitations.status(model) != "open":
            return []
        ask = f"Take the invitation of {model.email} back? The link stops working."
        url = url_for(".withdraw", invitation_id=model.id)
        return [Button("Take back", url, post=True, kind="danger", confirm=ask)]

    @route("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        form = self.create_form()
        if self.validate_form(form):
            try:
                made, raw = invitations.invite(form.email.data, form.role.data, actor=actor())
                shows_once()
                words = {
                    "title": f"Invitation of {made.email}",
                    "secret": url_for("invitations.accept", token=raw, _external=True),
                    "back": url_for(".index_view"),
                }
                return self.render("admin/shown_once.html", **words)
            except ConflictError as error:
                show_errors(form, ValidationError({"email": error.message}))
            except PortalError as error:
                show_errors(form, error)
        return self.render(self.create_template, form=form, form_opts=None, return_url=url_for(".index_view"))

    @route("/withdraw/<row_id:invitation_id>", methods=("POST",))
    def withdraw(self, invitation_id: int) -> ResponseReturnValue:
        """Take an invitation back."""
        return act(url_for(".details_view", id=invitation_id), lambda: _withdraw(invitation_id))


def _withdraw(invitation_id: int) -> str:
    row = found(Invitation, invitation_id)
    invitations.withdraw(invitation_id, actor=actor())
    return f"The invitation of {row.email} does not work any more."
