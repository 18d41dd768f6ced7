"""Flask-Security's forms for the second factor, with what this portal offers: an authenticator app, recovery
codes. There is no mail, so nobody is promised one.
"""

from typing import Any

from flask_security import WebAuthnRegisterForm
from flask_security.forms import TwoFactorRescueForm, TwoFactorSetupForm, TwoFactorVerifyCodeForm
from flask_security.recovery_codes import MfRecoveryForm
from wtforms import RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from portal.web import throttle


class SetupForm(TwoFactorSetupForm):
    """Which second factor, or none."""

    setup = RadioField(
        "What do you want?",
        choices=[
            SelectChoice("authenticator", "Use an authenticator app"),
            SelectChoice("disable", "Switch it off"),
        ],
        validate_choice=False,
    )


class RescueForm(TwoFactorRescueForm):
    """For people without their phone: only a recovery code helps, or an administrator."""

    help_setup = RadioField(
        "Without your phone?", choices=[SelectChoice("recovery_code", "Use a recovery code")]
    )

    def validate(self, **kwargs: Any) -> bool:
        return bool(super().validate(**kwargs)) and self.help_setup.data == "recovery_code"


class LimitedCode:
    """Wrong codes are counted per account, from wherever they come: whoever gets here knows the password."""

    user: Any
    code: Any

    def validate(self, **kwargs: Any) -> bool:
        account = f"second factor of {self.user.id}"
        if throttle.is_blocked(account, account):
            self.code.errors = ["Too many wrong codes were given. Nothing was checked. Wait 15 minutes."]
            return False
        # The other parent is Flask-Security's form.
        if super().validate(**kwargs):  # type: ignore[misc]
            throttle.forget(account, account)
            return True
        throttle.note_failure(account, account)
        return False


class CodeForm(LimitedCode, TwoFactorVerifyCodeForm):
    """A code of the authenticator app."""


class RecoveryForm(LimitedCode, MfRecoveryForm):
    """A recovery code."""


class PasskeyForm(WebAuthnRegisterForm):
    """A new passkey: its name and what it is for."""

    name = StringField(
        "Name of the device",
        description="Such as: phone, or blue key.",
        validators=[InputRequired("Give it a name."), Length(max=64)],
    )
    usage = RadioField(
        "What for?",
        choices=[
            SelectChoice("secondary", "After the password, as the second factor"),
            SelectChoice("first", "Instead of password and second factor: log in with the device alone"),
        ],
        default="secondary",
    )
