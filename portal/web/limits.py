"""What one order and one day may be worth on a person's connection. The installation's own limits stay above:
these only lower them."""

from decimal import Decimal

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import StringField

from portal.config import Settings
from portal.errors import ValidationError
from portal.models import ExecutionConnection
from portal.services import connections as service
from portal.trading.limits import DAY, ORDER
from portal.web.access import me, pages
from portal.web.connection_forms import show_errors
from portal.web.scoping import one, owned_by
from portal.web.seen import fingerprint, said

limits = pages("limits", __name__, "/connections")

_LIMITS = (ORDER, DAY)
_SEEN = ("settings",)
_NUMBER = {"inputmode": "decimal", "autocomplete": "off"}


class LimitsForm(FlaskForm):  # type: ignore[misc]
    """Empty means: nothing beyond the installation's own limit."""

    max_order_notional = StringField("One order, at most", render_kw=_NUMBER)
    max_daily_notional = StringField("One day (UTC), at most", render_kw=_NUMBER)


@limits.route("/<row_id:connection_id>/limits", methods=["GET", "POST"])
def edit(connection_id: int) -> ResponseReturnValue:
    connection = one(owned_by(me(), ExecutionConnection), ExecutionConnection, connection_id)
    stored = dict(connection.settings or {})
    form = LimitsForm(data={name: str(stored.get(name) or "") for name in _LIMITS})
    if form.validate_on_submit() and not said(form, connection, _SEEN, "connection"):
        given = {name: (form[name].data or "").strip() for name in _LIMITS}
        kept = {name: value for name, value in stored.items() if name not in _LIMITS}
        try:
            service.update(
                connection_id,
                {"settings": kept | {name: value for name, value in given.items() if value}},
                actor=me(),
            )
        except ValidationError as error:
            show_errors(form, error)
        else:
            flash("The limits count from the next order on.", "success")
            return redirect(url_for("connections.show", connection_id=connection_id))
    page = render_template(
        "web/connection_limits.html",
        form=form,
        connection=connection,
        seen=fingerprint(connection, _SEEN),
        above=_above(),
    )
    return (page, 422) if form.errors or form.form_errors else page


def _above() -> dict[str, Decimal | None]:
    settings: Settings = current_app.extensions["portal_settings"]
    return {ORDER: settings.max_order_notional, DAY: settings.max_daily_notional}
