"""Login with Flask-Security, CSRF protection of every form, and how long a session lasts. No pages here."""

import base64
import hashlib
from datetime import timedelta
from typing import Any

from flask import Flask, Request, current_app, session
from flask_login import user_logged_in
from flask_security import Security, SQLAlchemyUserDatastore, Totp, UserMixin, user_authenticated
from flask_wtf.csrf import CSRFProtect
from redis import RedisError

from portal.db import db, utcnow
from portal.models import Role, User
from portal.services import audit
from portal.services.users import MIN_PASSWORD
from portal.web.factor_forms import CodeForm, RecoveryForm, RescueForm, SetupForm
from portal.web.login import LoginForm

csrf = CSRFProtect()

#: A TOTP code is worth nothing after this many seconds.
_CODE_SECONDS = 180


def init_app(app: Flask) -> None:
    """Attach login and CSRF protection. Opens no connection."""
    settings = app.extensions["portal_settings"]
    for name, value in _config(settings.secret_key, secure=settings.session_cookie_secure).items():
        app.config.setdefault(name, value)
    csrf.init_app(app)
    datastore = SQLAlchemyUserDatastore(db, User, Role)
    Security(
        app,
        datastore,
        login_form=LoginForm,
        two_factor_setup_form=SetupForm,
        two_factor_rescue_form=RescueForm,
        two_factor_verify_code_form=CodeForm,
        mf_recovery_form=RecoveryForm,
        totp_cls=OneTimeTotp,
    )
    # Flask-Security looks for its own tokens in the address and the JSON body of every request. Ours are the
    # API's business, and a body must not be read before its size was checked.
    app.login_manager.request_loader(_nobody)  # type: ignore[attr-defined]
    user_logged_in.connect(_limit_session, app)
    user_authenticated.connect(_note_login, app)


class OneTimeTotp(Totp):
    """Accepts each code once, remembered in Redis for as long as the code could be valid."""

    def get_last_counter(self, user: UserMixin) -> int | None:
        try:
            value = current_app.extensions["portal_redis"].get(_counter_key(user))
        except RedisError:
            return None
        return int(value) if value is not None else None

    def set_last_counter(self, user: UserMixin, tmatch: Any) -> None:
        try:
            current_app.extensions["portal_redis"].set(_counter_key(user), tmatch.counter, ex=_CODE_SECONDS)
        except RedisError:
            current_app.logger.warning("Redis did not remember a used second-factor code")


def _nobody(_request: Request) -> None:
    return None


def _counter_key(user: UserMixin) -> str:
    return f"portal:totp:{user.id}"


def _limit_session(_app: Flask, **_extra: Any) -> None:
    # Permanent in Flask's sense: it ends PERMANENT_SESSION_LIFETIME after the last request.
    session.permanent = True


def _note_login(_app: Flask, user: User, **_extra: Any) -> None:
    audit.record(user, "portal.user.logged_in", "user", user.id)


def _config(secret_key: str, *, secure: bool) -> dict[str, Any]:
    cookie = {"samesite": "Lax", "httponly": True, "secure": secure}
    return {
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session; an old tab must not lose somebody's input
        "SECURITY_DATETIME_FACTORY": utcnow,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        "SECURITY_PASSWORD_LENGTH_MIN": MIN_PASSWORD,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,
        "SECURITY_TRACKABLE": True,
        "SECURITY_LOGOUT_CSRF": True,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_POST_LOGIN_VIEW": "/",
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_FRESHNESS": timedelta(hours=1),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=10),
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE": True,
        "SECURITY_TWO_FACTOR_VALIDITY_COOKIE": cookie,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_TOTP_ISSUER": "Portico",
        "SECURITY_TOTP_SECRETS": {"1": _derive(secret_key, "second factor")},
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [_fernet_key(secret_key, "recovery codes")],
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
    }


def _derive(secret_key: str, purpose: str) -> str:
    return hashlib.sha256(f"portico {purpose}:{secret_key}".encode()).hexdigest()


def _fernet_key(secret_key: str, purpose: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(_derive(secret_key, purpose))).decode()
