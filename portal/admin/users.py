"""Users: made with a password that is shown once, changed and switched off. A hash is never shown."""

import uuid
from typing import Any

import sqlalchemy as sa
from flask import abort, url_for
from flask.typing import ResponseReturnValue
from flask_admin.form import BaseForm
from sqlalchemy.orm import selectinload
from wtforms import BooleanField, Form, SelectField
from wtforms.validators import InputRequired, Length

from portal.admin import values
from portal.admin.access import actor
from portal.admin.base import Button, PortalModelView
from portal.admin.confirming import act, found
from portal.admin.fields import TextField
from portal.admin.filters import YES_NO, Choice
from portal.admin.routing import route
from portal.admin.writing import show_errors
from portal.db import db, transaction
from portal.errors import ConflictError, PortalError, ValidationError
from portal.models import TRADER, Role, User
from portal.services import audit, passwords, users
from portal.web.shown_once import shows_once


class UserForm(BaseForm):  # type: ignore[misc]
    email = TextField("E-mail address", validators=[InputRequired("A user needs an address.")])
    name = TextField(
        "Name", description="Shown in lists; empty shows the address.", validators=[Length(max=100)]
    )
    role = SelectField(
        "Role", default=TRADER, choices={role: f"{role}: {text}" for role, text in users.ROLES.items()}
    )
    active = BooleanField(
        "Active", default=True, description="A deactivated user is out at once, tokens included."
    )


class UserView(PortalModelView):
    noun = "user"
    can_create = can_edit = True
    form = UserForm
    form_columns = ("email", "name", "role", "active")
    introduction = "Administrators run the installation; traders see only their own accounts."
    column_default_sort = "email"
    column_list = ("email", "name", "roles", "active", "second_factor", "last_login_at", "created_at")
    column_details_list = (
        "email", "name", "roles", "active", "second_factor", "current_login_at", "current_login_ip",
        "last_login_at",
        "last_login_ip", "login_count", "created_at",
    )  # fmt: skip
    column_export_list = ("id", "email", "name", "roles", "active", "last_login_at", "created_at")
    column_searchable_list = ("email", "name")
    column_sortable_list = ("email", "created_at", "last_login_at")
    column_filters = (Choice(User.active, "Active", YES_NO),)
    column_labels = {
        "email": "E-mail address", "roles": "Role", "active": "Status", "current_login_at": "This login",
        "current_login_ip": "From", "last_login_at": "Last login", "last_login_ip": "Last from",
        "login_count": "Logins",
    }  # fmt: skip
    column_formatters = {
        "roles": lambda _v, _c, row, _n: ", ".join(role.name for role in row.roles),
        "active": lambda _v, _c, row, _n: values.status_badge("active" if row.active else "inactive"),
        "second_factor": lambda _v, _c, row, _n: _factors(row),
    }
    telling_if_none = ("current_login_at",)
    column_formatters_export = {"roles": lambda _v, _c, row, _n: ", ".join(role.name for role in row.roles)}

    def get_query(self) -> Any:
        return super().get_query().options(selectinload(User.webauthn))

    def buttons(self, model: Any) -> list[Button]:
        ask = f"Give {model.email} a new password? Every session of this user ends."
        found_buttons = [
            Button("New password", url_for(".new_password", user_id=model.id), post=True, confirm=ask)
        ]
        if model.has_second_factor or model.webauthn:
            ask = f"Forget the second factor of {model.email}, passkeys too? Be sure who asks."
            url = url_for(".forget_factor", user_id=model.id)
            found_buttons.append(Button("Forget second factor", url, post=True, kind="danger", confirm=ask))
        return found_buttons

    @route("/new/", methods=("GET", "POST"))
    def create_view(self) -> Any:
        form = self.create_form()
        if self.validate_form(form):
            try:
                user, password = users.create_user(form.email.data, form.role.data, actor=actor())
                self.store_changes(form, user.id)
                return self._show_password(user, password)
            except PortalError as error:
                show_errors(form, error if not isinstance(error, ConflictError) else _taken())
        return self.render(self.create_template, form=form, form_opts=None, return_url=url_for(".index_view"))

    def edit_form(self, obj: Any = None) -> Form:
        form = super().edit_form(obj)
        if form.role.raw_data is None and obj is not None and obj.roles:
            form.role.data = obj.roles[0].name
        return form

    def store_changes(self, form: Form, row_id: int) -> Any:
        """Address, name, role and switch. Ends every session when the role or the switch changed."""
        email = users.normalise_email(form.email.data)
        with transaction() as session:
            user = session.get_one(User, row_id, with_for_update={"of": User})
            if user.id == actor().id and (form.role.data != "admin" or not form.active.data):
                raise ValidationError(
                    {"role": "You cannot take your own administration away. Ask another one."}
                )
            if session.scalar(sa.select(User.id).where(User.email == email, User.id != user.id)):
                raise _taken()
            if user.active != form.active.data or {role.name for role in user.roles} != {form.role.data}:
                user.fs_uniquifier = uuid.uuid4().hex
            user.email, user.name, user.active = email, form.name.data or None, form.active.data
            user.roles = [_role(form.role.data)]
            audit.record(
                actor(), "portal.user.changed", "user", user.id,
                email=email, role=form.role.data, active=form.active.data,
            )  # fmt: skip
        return user

    @route("/password/<row_id:user_id>", methods=("POST",))
    def new_password(self, user_id: int) -> ResponseReturnValue:
        """Replace the password and show the new one, this once."""
        user = found(User, user_id)
        password = passwords.generate_password()
        users.set_password(user_id, password, actor=actor())
        return self._show_password(user, password)

    @route("/forget-factor/<row_id:user_id>", methods=("POST",))
    def forget_factor(self, user_id: int) -> ResponseReturnValue:
        """Switch off somebody's second factor, because the phone is gone."""
        if found(User, user_id).id == actor().id:
            abort(403)
        return act(url_for(".details_view", id=user_id), lambda: _forget_factor(user_id))

    def _show_password(self, user: User, password: str | None) -> str:
        shows_once()
        words = {
            "title": f"Password of {user.email}",
            "secret": password,
            "back": url_for(".details_view", id=user.id),
        }
        return str(self.render("admin/shown_once.html", **words))


def _forget_factor(user_id: int) -> str:
    with transaction() as session:
        user = session.get_one(User, user_id, with_for_update={"of": User})
        user.tf_primary_method = user.tf_totp_secret = user.mf_recovery_codes = None
        user.webauthn.clear()
        audit.record(actor(), "portal.user.second_factor_forgotten", "user", user.id)
        return f"{user.email} logs in with the password alone now."


def _factors(user: User) -> str:
    found = ["authenticator app"] if user.tf_primary_method else []
    found += [f"passkey {key.name}" for key in user.webauthn if key.usage == "secondary"]
    return ", ".join(found) or "off"


def _role(name: str) -> Role:
    role = db.session.scalar(sa.select(Role).where(Role.name == name))
    return role or Role(name=name, description=users.ROLES[name])


def _taken() -> ValidationError:
    return ValidationError({"email": "There is a user with this address already."})
