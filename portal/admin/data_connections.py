"""Data connections: where prices come from, apart from where orders go."""

from typing import Any

import sqlalchemy as sa
from flask_admin.form import BaseForm
from wtforms import BooleanField
from wtforms.validators import InputRequired, Length

from portal.admin import people, values
from portal.admin.base import PortalModelView
from portal.admin.fields import JsonField, RowField, TextField
from portal.admin.filters import YES_NO, Choice, Contains
from portal.db import db
from portal.errors import ConflictError, ValidationError
from portal.exchanges.catalog import known_exchanges
from portal.models import DataConnection, ExecutionConnection, User


class DataConnectionForm(BaseForm):  # type: ignore[misc]
    name = TextField("Name", validators=[InputRequired("It needs a name."), Length(max=100)])
    provider = TextField("Exchange", description="ccxt's name; its public prices are read.")
    user_id = RowField(
        "Who may use it", lambda: sa.select(User.id, User.email).order_by(User.email), empty="everybody"
    )
    is_active = BooleanField("Switched on", default=True)
    settings = JsonField("Settings (JSON)", description="Options of the adapter; never secrets.")


class DataConnectionView(PortalModelView):
    noun = "data_connection"
    can_create = can_edit = can_delete = True
    form = DataConnectionForm
    form_columns = ("name", "provider", "user_id", "is_active", "settings")
    introduction = "Where prices come from, when they do not come from the exchange that takes the orders."
    empty_message = "No data connection yet. Prices come from the exchanges themselves."
    column_list = ("name", "provider", "user_id", "status", "is_active", "last_error", "last_tested_at")
    column_details_list = (
        "name", "provider", "user_id", "status", "is_active", "last_error", "last_tested_at", "settings",
        "created_at",
    )  # fmt: skip
    column_export_list = (
        "id",
        "name",
        "provider",
        "user_id",
        "status",
        "is_active",
        "last_error",
        "last_tested_at",
    )
    column_searchable_list = ("name", "provider")
    column_sortable_list = ("name", "provider")
    column_filters = (
        Choice(DataConnection.is_active, "Switched on", YES_NO),
        Contains(DataConnection.provider, "Exchange"),
    )
    column_labels = {
        "provider": "Exchange",
        "user_id": "User",
        "is_active": "On",
        "last_tested_at": "Last test",
    }
    column_formatters = {"status": values.badge, "user_id": people.email_of}
    text_columns = ("last_error",)
    telling_if_none = ("last_tested_at",)

    def store_new(self, form: Any) -> Any:
        _check(form)
        return super().store_new(form)

    def store_changes(self, form: Any, row_id: int) -> Any:
        _check(form)
        return super().store_changes(form, row_id)

    def remove(self, row_id: int) -> Any:
        used = sa.exists().where(ExecutionConnection.data_connection_id == row_id)
        if db.session.scalar(sa.select(used)):
            raise ConflictError(
                "Connections take their prices from it, so it was not deleted. Change them first."
            )
        return super().remove(row_id)


def _check(form: Any) -> None:
    form.provider.data = form.provider.data.lower()
    if form.provider.data not in known_exchanges():
        raise ValidationError({"provider": "is not the name of an exchange that ccxt knows, such as bybit"})
