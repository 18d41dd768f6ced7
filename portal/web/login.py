"""The login form and its repetition: Flask-Security's, slowed down for guessers, never remembered."""

from typing import Any

from flask import request
from flask_security.forms import LoginForm as SecurityLoginForm
from flask_security.forms import VerifyForm
from wtforms import EmailField
from wtforms.validators import InputRequired

from portal.services import passwords, sessions
from portal.services.audit_logins import login_failed
from portal.web import throttle

_WAIT = "Too many wrong passwords were given. Nothing was checked. Wait 15 minutes, then try again."


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
        # Whoever guesses from everywhere must not keep the owner out of where the owner always is.
        if throttle.is_blocked(account, address, trusted=lambda: sessions.has_used(account, address)):
            self.form_errors.append(_WAIT)
            return False
        # Before it is known whose it is: strangers and acquaintances get the same answer.
        self.password.data = (self.password.data or "")[: passwords.READ_LENGTH]
        if super().validate(**kwargs):
            throttle.forget(account, address)
            return True
        if self.email.data and self.password.data:
            throttle.note_failure(account, address)
            login_failed(account, address)
        return False


class ConfirmForm(VerifyForm):
    """The password once more. Wrong ones are counted per account, from wherever they come: whoever gets here
    holds a session."""

    def validate(self, **kwargs: Any) -> bool:
        account = f"confirmation of {self.user.id}"
        if throttle.is_blocked(account, account):
            self.password.errors = [_WAIT]
            return False
        if super().validate(**kwargs):
            throttle.forget(account, account)
            return True
        throttle.note_failure(account, account)
        return False
