"""Connections: accounts at exchanges, written by `services.connections` alone. Secrets go in, never out."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_admin.helpers import get_form_data
from markupsafe import Markup
from wtforms import Form

from portal.admin import values
from portal.admin.access import actor
from portal.admin.base import Button, PortalModelView
from portal.admin.confirming import act, found
from portal.admin.connection_bulk import ConnectionBulk
from portal.admin.connection_exception import WithdrawalException, shown_exception, shown_key
from portal.admin.connection_form import FIELDS, SECTIONS, ChangeForm, ConnectionForm
from portal.admin.connection_health import ConnectionHealth, shown_credentials
from portal.admin.connection_import import ConnectionImport
from portal.admin.filters import YES_NO, Choice, Contains
from portal.admin.routing import route
from portal.models import ExecutionConnection, User
from portal.services import connections
from portal.trading.types import ConnectionMode, ConnectionStatus
from portal.web import words
from portal.web.formatting import long_text


def _exchange(_view: Any, _context: Any, row: ExecutionConnection, _name: str) -> str:
    return words.exchange(row.exchange_name)


def _account(_view: Any, _context: Any, row: ExecutionConnection, _name: str) -> Markup:
    """Where it is, and whether its money is real."""
    look = "badge" if row.mode is ConnectionMode.LIVE else "muted"
    mode = Markup('<span class="{}">{}</span>').format(look, row.mode.value)
    return Markup("{} {}").format(words.exchange(row.exchange_name), mode)


def _named(_view: Any, _context: Any, row: ExecutionConnection, _name: str) -> Markup:
    owner = row.admin or row.user or "nobody"
    return Markup('{}<div class="small-text muted">{}</div>').format(row.name, owner)


def _state(_view: Any, _context: Any, row: ExecutionConnection, _name: str) -> Markup:
    """Whether it takes signals, and why not."""
    off = Markup("") if row.is_active else Markup(" ") + values.status_badge("switched off")
    why = (
        Markup('<div class="small-text muted">{}</div>').format(long_text(row.last_error))
        if row.last_error
        else ""
    )
    return values.status_badge(row.status) + off + why


class ConnectionView(
    WithdrawalException, ConnectionImport, ConnectionHealth, ConnectionBulk, PortalModelView
):
    noun = "connection"
    list_template = "admin/connections.html"
    details_template = "admin/connection.html"
    can_create = can_edit = can_delete = True
    form = ConnectionForm
    form_columns = FIELDS
    form_sections = SECTIONS
    introduction = "Accounts at exchanges and brokers. Credentials are encrypted and never shown again."
    empty_message = "No connection yet. Add an account at an exchange, or one at the sandbox to practise."
    column_default_sort = ("id", True)
    column_select_related_list = (
        ExecutionConnection.user, ExecutionConnection.admin, ExecutionConnection.preset,
    )  # fmt: skip
    column_list = ("id", "name", "status", "exchange_name", "preset", "last_used_at")
    column_details_list = (
        "name", "owner", "is_admin_owned", "exchange_name", "type", "mode", "status", "health",
        "is_active", "last_error",
        "stored_credentials", "preset", "data_connection", "position_mode", "margin_mode",
        "clock_offset_ms", "key_expires_at", "facts", "withdrawal_override",
        "last_tested_at", "last_connected_at", "last_used_at", "last_balance", "settings",
        "created_at",
    )  # fmt: skip
    column_export_list = (
        "id", "name", "owner", "exchange_name", "type", "mode", "status", "is_active", "is_admin_owned",
        "last_error",
        "last_tested_at", "last_used_at",
    )  # fmt: skip
    column_searchable_list = ("name", "exchange_name")
    column_sortable_list = ("id", "name", "exchange_name", "last_used_at")
    column_filters = (
        Choice(ExecutionConnection.status, "Status", ConnectionStatus),
        Choice(ExecutionConnection.mode, "Mode", ConnectionMode),
        Choice(ExecutionConnection.is_active, "Switched on", YES_NO),
        Choice(ExecutionConnection.is_admin_owned, "Admin-owned", YES_NO),
        Contains(ExecutionConnection.exchange_name, "Exchange"),
        Contains("user.email", "Owner"),
    )
    column_labels = {
        "id": "No.", "exchange_name": "Exchange", "is_admin_owned": "Admin-owned", "is_active": "On",
        "stored_credentials": "Credentials", "last_used_at": "Last used", "last_tested_at": "Last test",
        "clock_offset_ms": "Clock offset (ms)", "data_connection": "Prices from",
        "last_connected_at": "Last reached", "facts": "Key and account",
        "withdrawal_override": "Withdrawal exception",
    }  # fmt: skip
    column_formatters = {
        "name": _named,
        "status": _state,
        "exchange_name": _account,
        "owner": lambda _v, _c, row, _n: row.admin or row.user or "nobody",
        "health": lambda _v, _c, row, _n: values.status_badge(row.get_health_status()),
        "stored_credentials": shown_credentials,
        "preset": lambda _v, _c, row, _n: row.preset or "built-in defaults",
        "facts": shown_key,
        "withdrawal_override": shown_exception,
    }
    column_formatters_detail = {
        name: formatter for name, formatter in column_formatters.items() if name != "name"
    } | {"status": values.badge, "exchange_name": _exchange}
    column_formatters_export = {"owner": column_formatters["owner"]}
    number_columns = ("id",)
    text_columns = ("status",)
    telling_if_none = ("last_tested_at", "last_connected_at", "last_used_at", "last_balance")

    def edit_form(self, obj: Any = None) -> Form:
        return ChangeForm(get_form_data(), obj=obj)

    def buttons(self, model: Any) -> list[Button]:
        switch, label = (0, "Switch off") if model.is_active else (1, "Switch on")
        return [
            Button("Test", url_for(".test", connection_id=model.id), post=True),
            Button(label, url_for(".switch", connection_id=model.id, on=switch), post=True),
            *self.exception_buttons(model),
        ]

    def store_new(self, form: Form) -> Any:
        return connections.create(form.new_data(), owner=found(User, form.owner_id.data), actor=actor())

    def store_changes(self, form: Form, row_id: int) -> Any:
        connection = connections.update(row_id, form.changed_data(), actor=actor())
        if form.credentials():
            connection = connections.set_credentials(row_id, form.credentials(), actor=actor())
        return connection

    def remove(self, row_id: int) -> Any:
        connections.delete(row_id, actor=actor())
        return True

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        return str(url_for(".details_view", id=model.id))

    @route("/test/<row_id:connection_id>", methods=("POST",))
    def test(self, connection_id: int) -> ResponseReturnValue:
        """Ask a worker to test the account."""
        return act(url_for(".details_view", id=connection_id), lambda: _test(connection_id))

    @route("/switch/<row_id:connection_id>/<int(min=0, max=1):on>", methods=("POST",))
    def switch(self, connection_id: int, on: int) -> ResponseReturnValue:
        """The owner's switch."""
        return act(url_for(".details_view", id=connection_id), lambda: _switch(connection_id, bool(on)))


def _test(connection_id: int) -> str:
    connections.request_test(connection_id, actor=actor())
    return "A test was asked for. Its steps appear below."


def _switch(connection_id: int, on: bool) -> str:
    connection = connections.update(connection_id, {"is_active": on}, actor=actor())
    return f"{connection.name} was switched {'on' if on else 'off'}."
