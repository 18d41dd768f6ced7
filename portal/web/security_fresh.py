"""What a stolen session must not be enough for: keys, live trading, limits, people, tokens. Whoever logged in
a while ago gives the password again; what was typed is kept meanwhile and then carried out.
"""

import time

from flask import Flask, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security.utils import check_and_update_authn_fresh, set_request_attr
from werkzeug.datastructures import ImmutableMultiDict

from portal.web import held_forms
from portal.web.login import ConfirmForm
from portal.web.unread import WatchedFields

#: Endpoint -> what it does, for the sentence on the page. The first ones ask before anything is typed.
ASKED_BEFORE = {
    "connections.new": "stores keys of an exchange",
    "connections.credentials": "replaces keys of an exchange",
    "admin_connections.create_view": "stores keys of an exchange",
    "admin_connections.import_view": "stores keys of an exchange",
    "admin_data_connections.create_view": "stores keys",
    "admin_users.create_view": "makes a person who can log in",
    "admin_tokens.create_view": "makes a key to the API",
    "admin_invitations.create_view": "lets somebody in",
    "admin_connections.allow_withdrawals": "accepts a key that may withdraw",
}
ASKED_WHEN_SENT = {
    "connections.edit": "changes limits or presets",
    "limits.edit": "changes limits",
    "presets.new": "changes how orders are sized",
    "presets.edit": "changes how orders are sized",
    "admin_connections.edit_view": "changes keys, limits or live trading",
    "admin_connections.bulk": "changes many connections at once",
    "admin_data_connections.edit_view": "changes keys",
    "admin_presets.create_view": "changes how orders are sized",
    "admin_presets.edit_view": "changes how orders are sized",
    "admin_users.edit_view": "changes who may log in",
    "admin_users.new_password": "replaces somebody's password",
    "admin_users.forget_factor": "switches off a second factor",
    "account.make_token": "makes a key to the API",
    "account.end_others": "ends sessions",
}
#: Names of the fields of the question; no form of the portal has them.
HELD, _PASSWORD = "confirm_held", "confirm_password"


def init_app(app: Flask) -> None:
    """Ask before every request to one of the endpoints above."""
    app.before_request(_guard)


def is_fresh() -> bool:
    """Whether whoever is logged in has proved it a short while ago."""
    config = current_app.config
    return bool(
        check_and_update_authn_fresh(config["SECURITY_FRESHNESS"], config["SECURITY_FRESHNESS_GRACE_PERIOD"])
    )


def _guard() -> ResponseReturnValue | None:
    endpoint = request.endpoint or ""
    purpose = ASKED_BEFORE.get(endpoint) or ASKED_WHEN_SENT.get(endpoint)
    # Strangers are the page's own business.
    if purpose is None or not current_user.is_authenticated:
        return None
    if request.method == "POST":
        if HELD in request.form:
            return _take_up(purpose)
        return None if is_fresh() else _ask(purpose, _hold())
    if endpoint in ASKED_BEFORE and not is_fresh():
        return redirect(url_for("security.verify", next=request.full_path.rstrip("?")))
    return None


def _take_up(purpose: str) -> ResponseReturnValue | None:
    """Check the password; then the request goes on as it was first sent."""
    held = request.form[HELD]
    form = ConfirmForm(
        ImmutableMultiDict({"password": request.form.get(_PASSWORD, "")}),
        user=current_user,
        meta={"csrf": False},
    )
    if not form.validate():
        return _ask(purpose, held, [str(error) for error in form.password.errors])
    session["fs_paa"] = time.time()
    set_request_attr("fs_paa", session["fs_paa"])
    fields = held_forms.let_go(held, held_for(current_user.id))
    if fields is None:
        return _ask_again_later()
    # Views read the form from here; it was parsed once and is not parsed again.
    request.form = WatchedFields(fields)
    return None


def _ask(purpose: str, held: str | None, errors: list[str] | None = None) -> ResponseReturnValue:
    if held is None:
        return redirect(url_for("security.verify", next=request.full_path.rstrip("?")))
    page = render_template("security/confirm.html", purpose=purpose, held=held, errors=errors or [])
    return page, 401


def _ask_again_later() -> ResponseReturnValue:
    sentence = (
        "What you had typed was kept for 15 minutes and is gone. Nothing was changed. "
        "Your password was accepted: go back and enter it again."
    )
    page = render_template(
        "error.html",
        title="That took too long",
        sentence=sentence,
        status=409,
        back=("Back to the portal", "/"),
    )
    return page, 409


def _hold() -> str | None:
    return held_forms.hold(request.form.items(multi=True), held_for(current_user.id))


def held_for(user_id: int) -> str:
    """Whom a form is kept for: this person, at this address."""
    return f"{user_id}:{request.full_path}"
