"""Sessions on the server: the cookie names a row, and without a living row nobody is logged in. Also sends
people to set up the second factor where the installation demands one."""

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, user_logged_in, user_logged_out
from flask_security import password_changed

from portal.config import Settings
from portal.models import User, UserSession
from portal.services import audit, sessions
from portal.web.static_files import is_static

#: The key of the session's secret in the cookie.
SESSION_KEY = "portal_session"
#: Where somebody may go who still has to set up a second factor.
_SETTING_UP = ("security.", "account.", "static")


def init_app(app: Flask) -> None:
    """Let every login open a row, every request look it up, every logout end it."""
    manager = app.login_manager  # type: ignore[attr-defined]
    manager.user_loader(_loader(manager._user_callback))
    user_logged_in.connect(_open, app)
    user_logged_out.connect(_close, app)
    password_changed.connect(_note_change, app)
    app.before_request(_note_seen)
    app.before_request(_demand_factor)
    app.before_request(_refuse_stray_code_page)


def this_session() -> UserSession | None:
    """The row behind this request's cookie."""
    found: UserSession | None = g.get(SESSION_KEY)
    return found


def must_set_up_factor(user: User, settings: Settings) -> bool:
    """Whether the installation demands a second factor that `user` does not have yet."""
    wanted = settings.require_second_factor
    asked = wanted == "everyone" or (wanted == "admins" and user.is_admin)
    return asked and not user.has_second_factor


def _settings() -> Settings:
    settings: Settings = current_app.extensions["portal_settings"]
    return settings


def _loader(load: Callable[[str], User | None]) -> Callable[[str], User | None]:
    def load_with_session(user_id: str) -> User | None:
        user = load(user_id)
        if user is None:
            return None
        found = sessions.recognise(session.get(SESSION_KEY), user, _settings())
        setattr(g, SESSION_KEY, found)
        return user if found is not None else None

    return load_with_session


def _open(_app: Flask, user: User, **_extra: Any) -> None:
    # Permanent in Flask's sense: the browser keeps the cookie; the row decides what it is worth.
    session.permanent = True
    # A login never goes on with the identity of what was before it.
    session[SESSION_KEY] = sessions.open_session(
        user, request.remote_addr or "", request.headers.get("User-Agent", "")
    )


def _close(_app: Flask, **_extra: Any) -> None:
    sessions.end_token(session.pop(SESSION_KEY, None))
    g.pop(SESSION_KEY, None)


def _note_change(_app: Flask, user: User, **_extra: Any) -> None:
    # The others ended with the user's `fs_uniquifier`.
    audit.record(user, "portal.user.password_changed", "user", user.id)


def _note_seen() -> None:
    if is_static() or SESSION_KEY not in session or not current_user.is_authenticated:
        return
    found = this_session()
    if found is not None and sessions.is_due(found):
        sessions.note_seen(found.id)


def _demand_factor() -> ResponseReturnValue | None:
    settings = _settings()
    if settings.require_second_factor == "none" or is_static() or SESSION_KEY not in session:
        return None
    if (request.endpoint or "").startswith(_SETTING_UP):
        return None
    if not current_user.is_authenticated or not must_set_up_factor(current_user, settings):
        return None
    flash("This portal asks you for a second factor. Set one up first; nothing else was done.", "warning")
    return redirect(url_for("account.show"))


def _refuse_stray_code_page() -> ResponseReturnValue | None:
    # Flask-Security logs out whoever opens this page while no code is expected: a link would be enough.
    if request.endpoint != "security.two_factor_token_validation" or not current_user.is_authenticated:
        return None
    if session.get("tf_state") == "validating_profile":
        return None
    return redirect(url_for("account.show"))
