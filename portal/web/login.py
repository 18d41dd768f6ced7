"""The login form: Flask-Security's, slowed down for guessers and without long-lived cookies."""

from typing import Any

from flask import request
from flask_security.forms import LoginForm as SecurityLoginForm
from wtforms import EmailField
from wtforms.validators import InputRequired

from portal.web import throttle

_WAIT = "Too many wrong passwords were given from here. Nothing was checked. Wait 15 minutes, then try again."


class LoginForm(SecurityLoginForm):
    """Flask-Security's form with our limits."""

    #: Plain, because local names such as `admin@localhost` are fine and nothing is ever sent to find out.
    email = EmailField(
        "E-mail address",
        validators=[InputRequired("Enter the address of your account.")],
        filters=[lambda value: value.strip().lower() if value else value],
        render_kw={"autocomplete": "username", "maxlength": 254},
    )
    #: A session of a portal that moves money ends; nobody is remembered for a year.
    remember = None

    def validate(self, **kwargs: Any) -> bool:
        account = str(self.email.data or "")
        address = request.remote_addr or ""
        if throttle.is_blocked(account, address):
            self.form_errors.append(_WAIT)
            return False
        if super().validate(**kwargs):
            throttle.forget(account, address)
            return True
        if self.email.data and self.password.data:
            throttle.note_failure(account, address)
        return False
