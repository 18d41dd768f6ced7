"""The page behind an invitation's link: whoever has it sets a password and is in. Needs no login."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security.utils import login_user
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired

from portal.db import transaction
from portal.errors import ConflictError, ValidationError
from portal.models import User
from portal.services import invitations as service
from portal.services.passwords import MIN_LENGTH
from portal.web.connection_forms import show_errors

invitations = Blueprint("invitations", __name__, url_prefix="/invitation")

_NEW = {"autocomplete": "new-password", "maxlength": 128}


class AcceptForm(FlaskForm):  # type: ignore[misc]
    """The first password."""

    password = PasswordField(
        "Password", description=f"At least {MIN_LENGTH} characters; three or four unrelated words are good.",
        validators=[InputRequired("Choose a password.")], render_kw=_NEW,
    )  # fmt: skip
    again = PasswordField(
        "The same again", render_kw=_NEW,
        validators=[InputRequired("Enter it twice."), EqualTo("password", "The two are not the same.")],
    )  # fmt: skip


@invitations.route("/<token>", methods=["GET", "POST"])
def accept(token: str) -> ResponseReturnValue:
    invitation = service.find(token)
    if current_user.is_authenticated:
        raise ConflictError(
            f"You are logged in as {current_user.email}. Log out, then open the invitation of "
            f"{invitation.email} again. Nothing was changed."
        )
    form, email = AcceptForm(), invitation.email
    if form.validate_on_submit():
        try:
            user = service.accept(token, form.password.data)
        except ValidationError as error:
            show_errors(form, error)
        else:
            _log_in(user)
            flash("Welcome. Your account is ready.", "success")
            return redirect(url_for("welcome.show"))
    page = render_template("security/invitation.html", form=form, email=email)
    return (page, 422) if form.errors else page


def _log_in(user: User) -> None:
    with transaction() as session:
        login_user(session.merge(user), remember=False, authn_via=["invitation"])
