"""What Flask-Security reports, written into the audit trail: logins, and every change of a second factor or a
passkey. Joins the request's transaction; shows no page."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_security import tf_disabled, tf_profile_changed, user_authenticated, wan_deleted, wan_registered

from portal.models import User
from portal.services import audit

_ACTIONS = (
    (user_authenticated, "portal.user.logged_in"),
    (tf_profile_changed, "portal.user.second_factor_set_up"),
    (tf_disabled, "portal.user.second_factor_removed"),
    (wan_registered, "portal.user.passkey_added"),
    (wan_deleted, "portal.user.passkey_removed"),
)


def init_app(app: Flask) -> None:
    """Listen."""
    for signal, action in _ACTIONS:
        # The signal itself would only remember the function weakly.
        signal.connect(_writer(action), app, weak=False)


def _writer(action: str) -> Callable[..., None]:
    def write(_app: Flask, user: User, name: str = "", **_extra: Any) -> None:
        audit.record(user, action, "user", user.id, **({"passkey": name} if name else {}))

    return write
