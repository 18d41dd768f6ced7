"""Login with Flask-Security, and CSRF protection of every form: brings the parts together. No pages here."""

from typing import Any

from flask import Flask, Request
from flask_security import PasswordUtil, Security, SQLAlchemyUserDatastore
from flask_wtf.csrf import CSRFProtect

from portal.db import db
from portal.errors import ValidationError
from portal.models import Passkey, Role, User
from portal.services import passwords
from portal.web import security_fresh, security_sessions, security_traces, sent_twice
from portal.web.factor_forms import CodeForm, PasskeyForm, RecoveryForm, RescueForm, SetupForm
from portal.web.login import ConfirmForm, LoginForm
from portal.web.security_config import security_config
from portal.web.security_factors import HashedRecoveryCodes, OneTimeTotp, PasskeyRules

csrf = CSRFProtect()


def init_app(app: Flask) -> None:
    """Attach login and CSRF protection. Opens no connection."""
    for name, value in security_config(app.extensions["portal_settings"]).items():
        app.config.setdefault(name, value)
    csrf.init_app(app)
    security = Security(
        app,
        SQLAlchemyUserDatastore(db, User, Role, Passkey),
        login_form=LoginForm,
        verify_form=ConfirmForm,
        two_factor_setup_form=SetupForm,
        two_factor_rescue_form=RescueForm,
        two_factor_verify_code_form=CodeForm,
        mf_recovery_form=RecoveryForm,
        wan_register_form=PasskeyForm,
        totp_cls=OneTimeTotp,
        password_util_cls=PasswordRules,
        mf_recovery_codes_util_cls=HashedRecoveryCodes,
        webauthn_util_cls=PasskeyRules,
    )
    # Whoever asks for a style sheet is nobody in particular; pages have their looks also without a database.
    security.principal.skip_static = True
    # Flask-Security looks for its own tokens in the address and the JSON body of every request. Ours are the
    # API's business, and a body must not be read before its size was checked.
    app.login_manager.request_loader(_nobody)  # type: ignore[attr-defined]
    security_sessions.init_app(app)
    sent_twice.init_app(app)
    security_fresh.init_app(app)
    security_traces.init_app(app)


class PasswordRules(PasswordUtil):
    """The portal's own rules, on Flask-Security's pages too."""

    def normalize(self, password: str) -> str:
        return str(super().normalize(password))[: passwords.READ_LENGTH]

    def validate(self, password: str, is_register: bool, **kwargs: Any) -> tuple[list[str] | None, str]:
        user = kwargs.get("user")
        try:
            passwords.check_password(password, user.email if user is not None else "")
        except ValidationError as error:
            return [f"The password {error.errors['password']}."], self.normalize(password)
        return None, self.normalize(password)


def _nobody(_request: Request) -> None:
    return None
