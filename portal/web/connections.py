"""A person's accounts at exchanges: adding, testing, switching. The web process itself never talks to an
exchange."""

from datetime import timedelta
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_security import auth_required
from werkzeug.wrappers import Response

from portal.db import db
from portal.errors import ValidationError
from portal.models import AuditEntry, Execution, ExecutionConnection, ExecutionLog, ForeignHolding
from portal.services import connections as service
from portal.services import practice
from portal.services.connections_history import changes_of, credentials_changed
from portal.services.reconciliation import everywhere
from portal.web import obstacles
from portal.web.access import me, pages
from portal.web.connection_forms import CredentialsForm, EditForm, NewConnectionForm, show_errors
from portal.web.health_words import changed_by, history
from portal.web.key_words import key_lines
from portal.web.orders import summaries
from portal.web.paging import latest, page_of
from portal.web.progress_words import last_test
from portal.web.scoping import one, owned_by
from portal.web.seen import fingerprint, said

connections = pages("connections", __name__, "/connections")

_RECENT = 10
#: What the edit form shows of the row.
_EDITED = ("name", "preset_id")
_LOG_LINES = 20
_RECENT_HEALTH = 5


def _freshness() -> timedelta:
    limit: timedelta = current_app.config["SECURITY_FRESHNESS"]
    return limit


#: Whoever enters keys has given the password a short while ago.
fresh_login = auth_required("session", within=_freshness)


@connections.get("")
def index() -> str:
    return render_template(
        "web/connections.html", page=page_of(owned_by(me(), ExecutionConnection), ExecutionConnection)
    )


@connections.get("/<row_id:connection_id>")
def show(connection_id: int) -> str:
    user = me()
    connection = _mine(connection_id)
    # A test that has ended has written to the row before it said so.
    test = last_test(connection)
    db.session.refresh(connection)
    executions = latest(
        owned_by(user, Execution).where(Execution.connection_id == connection.id), Execution, _RECENT
    )
    there = (ForeignHolding.connection_id == connection.id, ForeignHolding.gone_at.is_(None))
    logs = owned_by(user, ExecutionLog).where(ExecutionLog.connection_id == connection.id)
    return render_template(
        "web/connection.html",
        connection=connection,
        executions=executions,
        orders=summaries([execution.id for execution in executions]),
        logs=latest(logs, ExecutionLog, _LOG_LINES),
        obstacles=obstacles.of(connection),
        known_markets_only=everywhere.is_blind(connection),
        foreign=latest(owned_by(user, ForeignHolding).where(*there), ForeignHolding, _RECENT),
        key_lines=key_lines,
        test=test,
        lines=history(latest(changes_of(connection.id), AuditEntry, _RECENT_HEALTH), connection.id),
        changed=credentials_changed(connection.id),
        changed_by=changed_by,
    )


@connections.get("/<row_id:connection_id>/health")
def health(connection_id: int) -> str:
    connection = _mine(connection_id)
    page = page_of(changes_of(connection.id), AuditEntry)
    lines = history(page.rows, connection.id)
    return render_template("web/connection_health.html", connection=connection, page=page, lines=lines)


@connections.route("/new", methods=["GET", "POST"])
@fresh_login
def new() -> str | Response | tuple[str, int]:
    user = me()
    form = NewConnectionForm.for_owner(user)
    if form.validate_on_submit():
        try:
            values = _with_practice_account(form.values(admin_owned=user.is_admin))
            made = service.create(values, owner=user, actor=user)
        except ValidationError as error:
            show_errors(form, error)
        else:
            flash(f"{made.name} was added. A worker tests it now.", "success")
            return redirect(url_for("connections.show", connection_id=made.id))
    return _answer("web/connection_new.html", form)


def _with_practice_account(values: dict[str, Any]) -> dict[str, Any]:
    """Who practises needs no key: an account is opened there and then."""
    if values["credentials"] or not practice.is_practice(values["exchange_name"]):
        return values
    account = practice.open_account(values["exchange_name"])
    return values | {"credentials": account.credentials, "settings": {"practice_account": account.name}}


@connections.route("/<row_id:connection_id>/credentials", methods=["GET", "POST"])
@fresh_login
def credentials(connection_id: int) -> str | Response | tuple[str, int]:
    connection = _mine(connection_id)
    form = CredentialsForm()
    if form.validate_on_submit():
        try:
            service.set_credentials(connection_id, form.credentials(), actor=me())
        except ValidationError as error:
            show_errors(form, error)
        else:
            flash("The credentials were replaced. A worker tests them now.", "success")
            return redirect(url_for("connections.show", connection_id=connection_id))
    return _answer("web/connection_credentials.html", form, connection)


@connections.route("/<row_id:connection_id>/edit", methods=["GET", "POST"])
def edit(connection_id: int) -> str | Response | tuple[str, int]:
    connection = _mine(connection_id)
    form = EditForm.for_connection(connection, me())
    if form.validate_on_submit() and not said(form, connection, _EDITED, "connection"):
        try:
            service.update(connection_id, form.values(), actor=me())
        except ValidationError as error:
            show_errors(form, error)
        else:
            flash("The connection was changed.", "success")
            return redirect(url_for("connections.show", connection_id=connection_id))
    return _answer("web/connection_edit.html", form, connection, seen=fingerprint(connection, _EDITED))


@connections.post("/<row_id:connection_id>/test")
def test(connection_id: int) -> Response:
    service.request_test(_mine(connection_id).id, actor=me())
    flash("A test was asked for. Its steps appear below.", "success")
    return redirect(url_for("connections.show", connection_id=connection_id))


@connections.post("/<row_id:connection_id>/switch")
def switch(connection_id: int) -> Response:
    connection = _mine(connection_id)
    turn_on = request.form.get("to") == "on"
    service.update(connection.id, {"is_active": turn_on}, actor=me())
    message = (
        "The connection is switched on; it takes part in the next signal."
        if turn_on
        else "The connection is switched off. It takes no new signals; open positions are still watched."
    )
    flash(message, "success")
    return redirect(url_for("connections.show", connection_id=connection_id))


def _mine(connection_id: int) -> ExecutionConnection:
    return one(owned_by(me(), ExecutionConnection), ExecutionConnection, connection_id)


def _answer(
    template: str,
    form: NewConnectionForm | CredentialsForm | EditForm,
    connection: ExecutionConnection | None = None,
    **more: object,
) -> str | tuple[str, int]:
    page = render_template(template, form=form, connection=connection, **more)
    return (page, 422) if form.errors or form.form_errors else page
