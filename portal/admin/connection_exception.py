"""The page on which an administrator accepts, in writing, a key that can withdraw; and how it looks on the
connection's own page."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.form import BaseForm
from markupsafe import Markup
from wtforms.validators import InputRequired, Length

from portal.admin.access import actor
from portal.admin.base import Button
from portal.admin.confirming import act, found
from portal.admin.fields import TextField
from portal.admin.routing import route
from portal.admin.values import NOTHING
from portal.models import ExecutionConnection
from portal.services import connections
from portal.web.formatting import when
from portal.web.key_words import key_lines


class ExceptionForm(BaseForm):  # type: ignore[misc]
    reason = TextField(
        "Reason",
        description="Why this key cannot do without that right. It is kept, shown to the owner and audited.",
        validators=[
            InputRequired("Say why; others will ask."),
            Length(min=10, max=500, message="Write 10 to 500 characters."),
        ],
    )


class WithdrawalException:
    """Mixed into the view of connections."""

    def exception_buttons(self, row: ExecutionConnection) -> list[Button]:
        """What can be decided about the right to withdraw, where the key has it."""
        if row.withdrawal_override is not None:
            ask = f"End the exception of {row.name}? A key that can withdraw stops it at once."
            url = url_for(".refuse_withdrawals", connection_id=row.id)
            return [Button("End withdrawal exception", url, post=True, kind="danger", confirm=ask)]
        if row.facts.get("can_withdraw") is True:
            return [Button("Accept this key…", url_for(".allow_withdrawals", connection_id=row.id))]
        return []

    @route("/withdrawals/<row_id:connection_id>", methods=("GET", "POST"))
    def allow_withdrawals(self, connection_id: int) -> ResponseReturnValue:
        """Accept a key that can withdraw, with a reason."""
        row, form = found(ExecutionConnection, connection_id), ExceptionForm(request.form)
        back = url_for(".details_view", id=connection_id)
        if request.method == "POST" and form.validate():
            return act(back, lambda: _allow(connection_id, form.reason.data))
        page = self.render("admin/withdrawal_exception.html", connection=row, form=form, back=back)  # type: ignore[attr-defined]
        return str(page), 422 if form.errors else 200

    @route("/withdrawals/<row_id:connection_id>/refuse", methods=("POST",))
    def refuse_withdrawals(self, connection_id: int) -> ResponseReturnValue:
        """End the exception."""
        return act(url_for(".details_view", id=connection_id), lambda: _refuse(connection_id))


def _allow(connection_id: int, reason: str) -> str:
    row = connections.allow_withdrawals(connection_id, reason, actor=actor())
    return f"{row.name} may use a key that can withdraw, until the key is replaced. A worker tests it now."


def _refuse(connection_id: int) -> str:
    row = connections.refuse_withdrawals(connection_id, actor=actor())
    return f"{row.name} must not use a key that can withdraw any more."


def shown_exception(_view: Any, _context: Any, row: ExecutionConnection, _name: str) -> Any:
    """Column formatter: who accepted such a key, when and why."""
    given = row.withdrawal_override
    return f"{given['by']}, {given['at']}: {given['reason']}" if given else NOTHING


def shown_key(_view: Any, _context: Any, row: ExecutionConnection, _name: str) -> Any:
    """Column formatter: what the last test found, one line each."""
    lines = [Markup("{}: {}").format(name, value) for name, value in key_lines(row)]
    if row.facts_at is not None:
        lines.append(Markup("Asked {}").format(when(row.facts_at)))
    return Markup("<br>").join(lines) if lines else NOTHING
