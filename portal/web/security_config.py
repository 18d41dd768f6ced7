"""What Flask-Security has to know. Reads the settings; attaches nothing."""

import hashlib
from datetime import timedelta
from typing import Any

from portal.config import Settings
from portal.db import utcnow
from portal.services import passwords


def security_config(settings: Settings) -> dict[str, Any]:
    """The `app.config` of login, second factor, recovery codes and passkeys."""
    secure = settings.session_cookie_secure
    return {
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session; an old tab must not lose somebody's input
        "SECURITY_DATETIME_FACTORY": utcnow,
        "SECURITY_LOGOUT_CSRF": True,
        "SECURITY_TRACKABLE": True,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        # The same for a wrong password and for an address that nobody has.
        "SECURITY_MSG_GENERIC_AUTHN_FAILED": ("Address and password do not belong together.", "error"),
        "SECURITY_POST_LOGIN_VIEW": "home.start",
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_FRESHNESS": timedelta(hours=1),
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=10),
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        **_passwords(),
        **_factors(settings, secure=secure),
    }


def _passwords() -> dict[str, Any]:
    hasher = passwords.HASHER
    return {
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_DEPRECATED_PASSWORD_SCHEMES": [],
        "SECURITY_PASSWORD_SINGLE_HASH": ["argon2"],
        # One set of parameters for the login form and everything else; weaker hashes are replaced at login.
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__time_cost": hasher.time_cost,
            "argon2__memory_cost": hasher.memory_cost,
            "argon2__parallelism": hasher.parallelism,
        },
        "SECURITY_PASSWORD_LENGTH_MIN": passwords.MIN_LENGTH,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,
    }


def _factors(settings: Settings, *, secure: bool) -> dict[str, Any]:
    legacy = hashlib.sha256(f"portico second factor:{settings.secret_key}".encode()).hexdigest()
    return {
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_MSG_TWO_FACTOR_INVALID_TOKEN": (
            "This code is not right, or was used already. Wait for the next one.",
            "error",
        ),
        "SECURITY_MSG_TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": (
            "The authenticator app is on. Recovery codes are for when the phone is gone: make some now.",
            "success",
        ),
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE": True,
        "SECURITY_TWO_FACTOR_VALIDITY_COOKIE": {"samesite": "Lax", "httponly": True, "secure": secure},
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "account.show",
        "SECURITY_TOTP_ISSUER": "Portico",
        # Only for seeds of the first release, until their next use; new ones are under the credential keys.
        "SECURITY_TOTP_SECRETS": {"1": legacy},
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        # Nothing to encrypt: only hashes of the codes are stored.
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": None,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 10,
        "SECURITY_WEBAUTHN": True,
        "SECURITY_WAN_RP_NAME": "Portico",
        # A list of somebody's passkeys tells strangers that the account exists.
        "SECURITY_WAN_ALLOW_USER_HINTS": False,
        "SECURITY_WAN_POST_REGISTER_VIEW": "account.show",
    }
