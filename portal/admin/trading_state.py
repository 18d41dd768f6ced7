"""The switches that stop trading: halt, reduce, resume, each with a reason."""

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.form import BaseForm
from wtforms import SelectField
from wtforms.validators import InputRequired, Length

from portal.admin import values
from portal.admin.access import actor
from portal.admin.base import PortalModelView
from portal.admin.confirming import act
from portal.admin.fields import TextField, WordField
from portal.admin.filters import Choice
from portal.admin.routing import route
from portal.models import TradingState
from portal.models.trading_state import SCOPES
from portal.services import trading_state
from portal.trading.types import TradingStateValue

_HINTS = {
    "everything": "everything", "user": "one user", "exchange": "one exchange",
    "connection": "one connection", "symbol": "one symbol",
}  # fmt: skip


class StateForm(BaseForm):  # type: ignore[misc]
    state = WordField(
        "State",
        TradingStateValue,
        default=TradingStateValue.HALTED,
        description="active: trade · reducing: exits and sales only · halted: exits of open positions only",
    )
    scope = SelectField("For", choices={scope: _HINTS[scope] for scope in SCOPES})
    key = TextField(
        "Which one",
        description="Address or number of the user, name of the exchange, number of the connection, symbol; "
        "empty for everything.",
        validators=[Length(max=200)],
    )
    confirmation = TextField(
        "To be sure",
        description="Only for everything: type the state that it gets, such as HALTED.",
        validators=[Length(max=20)],
    )
    reason = TextField("Reason", validators=[InputRequired("Say why; others will ask."), Length(max=500)])


class TradingStateView(PortalModelView):
    noun = "trading_state"
    list_template = "admin/trading_state.html"
    introduction = "The most restrictive switch that matches counts, at the last moment before every order."
    empty_message = "No switch was ever used: everything trades."
    column_default_sort = ("set_at", True)
    column_list = ("scope", "key", "state", "reason", "set_by", "set_at")
    column_details_list = ("scope", "key", "state", "reason", "set_by", "set_at")
    column_export_list = ("id", "scope", "key", "state", "reason", "set_by", "set_at")
    column_searchable_list = ("key", "reason")
    column_sortable_list = ("set_at",)
    column_filters = (Choice(TradingState.state, "State", TradingStateValue),)
    form_columns = ()
    column_labels = {"key": "Which", "set_by": "By", "set_at": "Since"}
    column_formatters = {"state": values.badge}
    text_columns = ("reason",)

    def state_form(self) -> StateForm:
        """The form above the list."""
        return StateForm()

    @route("/set", methods=("POST",))
    def set_state(self) -> ResponseReturnValue:
        """Set one switch."""
        form = StateForm(request.form)
        if not form.validate() or not _is_meant(form):
            return str(self.render("admin/trading_state_form.html", form=form)), 422
        return act(url_for(".index_view"), lambda: _set(form))

    @route("/set", methods=("GET",))
    def set_state_page(self) -> ResponseReturnValue:
        """Somebody reloaded the refused form."""
        return redirect(url_for(".index_view"))


def _is_meant(form: Any) -> bool:
    """Everybody's trading is not switched by a slip."""
    wanted = form.state.data.value.upper()
    if form.scope.data != "everything" or (form.confirmation.data or "").strip().upper() == wanted:
        return True
    form.confirmation.errors = [f"Type {wanted} to set this for everybody. Nothing was changed."]
    return False


def _set(form: Any) -> str:
    made = trading_state.set_state(
        form.scope.data, form.key.data, form.state.data, form.reason.data, actor=actor()
    )
    return f"{made.scope.capitalize()} {made.key} is {made.state.value} now."
