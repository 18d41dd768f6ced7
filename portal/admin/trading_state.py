"""The switches that stop trading: halt, reduce, resume, each with a reason."""

from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.form import BaseForm
from markupsafe import Markup
from wtforms import SelectField
from wtforms.validators import InputRequired, Length

from portal.admin import values
from portal.admin.access import actor
from portal.admin.base import PortalModelView
from portal.admin.fields import TextField, WordField
from portal.admin.filters import Choice
from portal.admin.routing import route
from portal.admin.writing import show_errors
from portal.errors import NotFoundError, ValidationError
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


def _which(_view: Any, _context: Any, row: TradingState, _name: str) -> Markup | str:
    """Whom it is about, with the way back where trading is stopped."""
    named = trading_state.named(row.scope, row.key)
    if row.state is TradingStateValue.ACTIVE:
        return named
    return Markup('{} <a class="nowrap" href="{}">Resume…</a>').format(named, resume_url(row))


def resume_url(row: TradingState) -> str:
    """The page with its form filled in for ending this switch; it is set by whoever reads it and says why."""
    return url_for("admin_trading_state.index_view", scope=row.scope, key=row.key)


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
    column_formatters = {"state": values.badge, "key": _which}
    text_columns = ("reason",)

    def state_form(self) -> StateForm:
        """The form above the list; for resuming when the address names a switch."""
        scope = request.args.get("scope", "")
        if scope not in SCOPES:
            return StateForm()
        data = {"state": TradingStateValue.ACTIVE, "scope": scope, "key": request.args.get("key", "")[:200]}
        return StateForm(data=data)

    @route("/set", methods=("POST",))
    def set_state(self) -> ResponseReturnValue:
        """Set one switch."""
        form = StateForm(request.form)
        if form.validate() and _is_meant(form) and (done := _set(form)):
            flash(done, "success")
            return redirect(url_for(".index_view"))
        return str(self.render("admin/trading_state_form.html", form=form)), 422

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
    """What was set, in a sentence; empty when it was refused, with the reason at its field."""
    try:
        made = trading_state.set_state(
            form.scope.data, form.key.data or "", form.state.data, form.reason.data, actor=actor()
        )
    except NotFoundError as error:
        show_errors(form, ValidationError({"key": error.message}))
        return ""
    except ValidationError as error:
        wrong = {name: f"{why}. Nothing was changed." for name, why in error.errors.items()}
        show_errors(form, ValidationError(wrong))
        return ""
    return f"{trading_state.named(made.scope, made.key)} is {made.state.value} now."
