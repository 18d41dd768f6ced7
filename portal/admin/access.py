"""Who may enter the administration: active administrators. Everybody else is sent to the login or refused."""

from collections.abc import Callable
from typing import Any

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal.models import User


def is_admin() -> bool:
    """True when an administrator asks."""
    return bool(current_user.is_authenticated and current_user.is_admin)


def refuse() -> ResponseReturnValue:
    """The answer for everybody else: the login for strangers, 403 for people without the role."""
    if not current_user.is_authenticated:
        here = request.full_path.rstrip("?") if request.method == "GET" else url_for("admin.index")
        return redirect(url_for("security.login", next=here))
    return abort(403)


def actor() -> User:
    """The administrator who asks, for services and audit entries."""
    person: User = current_user._get_current_object()
    return person


class AdminOnly:
    """Mixed into every Flask-Admin view."""

    def is_accessible(self) -> bool:
        return is_admin()

    def inaccessible_callback(self, _name: str, **_kwargs: Any) -> ResponseReturnValue:
        return refuse()

    def _run_view(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin's own calls the view a second time after a TypeError; a POST must run once.
        return fn(self, *args, **kwargs)
