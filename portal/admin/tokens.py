"""API tokens: made and shown once, revoked for good. The stored hash is never shown."""

from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask.typing import ResponseReturnValue
from flask_admin.form import BaseForm
from wtforms import SelectMultipleField
from wtforms.validators import Length

from portal.admin import values
from portal.admin.access import actor
from portal.admin.base import Button, PortalModelView
from portal.admin.confirming import act, found
from portal.admin.fields import RowField, TextField
from portal.admin.filters import Contains
from portal.admin.routing import route
from portal.admin.writing import show_errors
from portal.errors import PortalError
from portal.models import ApiToken, User
from portal.models.token import SCOPES
from portal.services import tokens
from portal.web.shown_once import shows_once


class TokenForm(BaseForm):  # type: ignore[misc]
    user_id = RowField("User", lambda: sa.select(User.id, User.email).where(User.active).order_by(User.email))
    name = TextField("What for", description="Such as: TradingView alerts.", validators=[Length(max=100)])
    scopes = SelectMultipleField("May be used for", choices={scope: scope for scope in SCOPES})


class TokenView(PortalModelView):
    noun = "token"
    can_create = True
    form = TokenForm
    form_columns = ("user_id", "name", "scopes")
    introduction = "What machines log in with: the API, and alerts by webhook."
    empty_message = "No token yet. Webhooks and the API need one."
    column_default_sort = ("id", True)
    column_select_related_list = (ApiToken.user,)
    column_list = ("prefix", "name", "user", "scopes", "last_used_at", "revoked_at", "created_at")
    column_details_list = ("prefix", "name", "user", "scopes", "last_used_at", "revoked_at", "created_at")
    column_export_list = (
        "id",
        "prefix",
        "name",
        "user",
        "scopes",
        "last_used_at",
        "revoked_at",
        "created_at",
    )
    column_searchable_list = ("name", "prefix")
    column_sortable_list = ("created_at", "last_used_at")
    column_filters = (Contains("user.email", "User"),)
    column_labels = {"prefix": "Begins with", "revoked_at": "Status"}
    telling_if_none = ("last_used_at",)
    column_formatters = {
        "prefix": values.mono,
        "revoked_at": lambda _v, _c, row, _n: values.status_badge("revoked" if row.revoked_at else "active"),
    }

    def buttons(self, model: Any) -> list[Button]:
        if model.revoked_at is not None:
            return []
        ask = "Revoke this token? Whatever uses it stops working, for good."
        return [
            Button("Revoke", url_for(".revoke", token_id=model.id), post=True, kind="danger", confirm=ask)
        ]

    @route("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        form = self.create_form()
        if self.validate_form(form):
            try:
                user = found(User, form.user_id.data)
                raw = tokens.create_token(user, form.scopes.data or (), form.name.data, actor=actor())
                shows_once()
                words = {"title": f"Token of {user.email}", "secret": raw, "back": url_for(".index_view")}
                return self.render("admin/shown_once.html", **words)
            except PortalError as error:
                show_errors(form, error)
        return self.render(self.create_template, form=form, form_opts=None, return_url=url_for(".index_view"))

    @route("/revoke/<row_id:token_id>", methods=("POST",))
    def revoke(self, token_id: int) -> ResponseReturnValue:
        """End the token."""
        return act(url_for(".details_view", id=token_id), lambda: _revoke(token_id))


def _revoke(token_id: int) -> str:
    found(ApiToken, token_id)
    tokens.revoke(token_id, actor=actor())
    return "The token was revoked."
