"""How a portal page begins: a blueprint that only lets people in who are logged in."""

from typing import cast

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security import auth_required

from portal.models import User


def pages(name: str, import_name: str, url_prefix: str | None = None) -> Blueprint:
    """A blueprint whose every page needs a login; who has none is sent to the login form."""
    blueprint = Blueprint(name, import_name, url_prefix=url_prefix)
    blueprint.before_request(_must_be_logged_in)
    return blueprint


def me() -> User:
    """Whoever is logged in."""
    return cast(User, current_user)


def _must_be_logged_in() -> ResponseReturnValue | None:
    if request.path == "/" and not current_user.is_authenticated:
        # No page was wished for: everybody begins where their work is (`home.start`).
        return redirect(url_for("security.login"))
    answer: ResponseReturnValue | None = _may_go_on()
    return answer


@auth_required("session")
def _may_go_on() -> None:
    return None
