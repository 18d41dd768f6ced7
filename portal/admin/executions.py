"""Executions: one signal on one account, read-only, with every step, order and log line."""

from typing import Any

import sqlalchemy as sa
from flask import g, url_for
from markupsafe import Markup

from portal.admin import links, values
from portal.admin.base import Button, PortalModelView
from portal.admin.execution_rerun import ExecutionRerun
from portal.admin.filters import Choice, Contains, Number, Since, Until
from portal.db import db
from portal.models import Execution, ExecutionPosition, Order
from portal.services import stories
from portal.services.story_lines import Event
from portal.trading.types import ExecutionStatus, SignalAction
from portal.web import words
from portal.web.formatting import long_text
from portal.web.orders import OrderSummary, summaries


def _market(_view: Any, _context: Any, row: Execution, _name: str) -> str:
    what = row.direction.value if row.action is SignalAction.OPEN else row.action.value
    return f"{what} {row.currency_pair}"


def _happened(_view: Any, _context: Any, row: Execution, _name: str) -> Any:
    """The sentence, with what was bought or sold, and the code of it."""
    code = Markup(' <code class="muted">{}</code>').format(row.code) if row.code else Markup("")
    return long_text(words.reason(row, _orders_listed().get(row.id))) + code


def _orders_listed() -> dict[int, OrderSummary]:
    """Of all rows of the list, read at once; a file, which has no such words, does not ask for it."""
    if "orders_of_executions" not in g:
        g.orders_of_executions = summaries(g.get("executions_listed", ()))
    found: dict[int, OrderSummary] = g.orders_of_executions
    return found


class ExecutionView(ExecutionRerun, PortalModelView):
    noun = "execution"
    details_template = "admin/execution.html"
    introduction = "One row per signal and account. The row is the truth about what was sent."
    empty_message = "No execution yet. Publishing a signal writes one per eligible account."
    column_default_sort = ("id", True)
    simple_list_pager = True
    column_list = ("id", "signal_id", "connection_name", "currency_pair", "status", "message", "created_at")
    column_details_list = (
        "signal_id", "connection_name", "currency_pair", "direction", "action", "status", "code",
        "message", "attempts",
        "generation", "created_at", "finished_at",
    )  # fmt: skip
    column_export_list = (
        "id", "signal_id", "connection_id", "connection_name", "currency_pair", "direction", "action",
        "status", "code",
        "message", "created_at", "finished_at",
    )  # fmt: skip
    column_searchable_list = ("connection_name", "code")
    column_sortable_list = ("id", "created_at")
    column_filters = (
        Number(Execution.signal_id, "Signal number"),
        Number(Execution.connection_id, "Connection number"),
        Choice(Execution.status, "Status", ExecutionStatus),
        Contains(Execution.connection_name, "Connection"),
        Contains(Execution.currency_pair, "Currency pair"),
        Since(Execution.created_at, "Created"),
        Until(Execution.created_at, "Created"),
        Contains(Execution.code, "Code"),
    )
    form_columns = ()
    column_labels = {
        "id": "No.",
        "signal_id": "Signal",
        "connection_name": "Connection",
        "message": "What happened",
        "currency_pair": "Market",
    }
    column_formatters = links.ROWS | {
        "status": values.badge, "currency_pair": _market, "message": _happened, "code": values.mono,
    }  # fmt: skip
    column_formatters_detail = links.ROWS | {"status": values.badge, "code": values.mono}
    number_columns = ("id", "signal_id")
    text_columns = ("message",)
    telling_if_none = ("finished_at",)

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        count, rows = super().get_list(*args, **kwargs)
        g.executions_listed = [row.id for row in rows]
        return count, rows

    def buttons(self, model: Execution) -> list[Button]:
        opened = sa.select(ExecutionPosition.id).where(ExecutionPosition.execution_id == model.id)
        position = db.session.scalar(opened.limit(1))
        if position is None:
            return super().buttons(model)
        return [
            *super().buttons(model),
            Button("Its position", url_for("admin_positions.details_view", id=position)),
        ]

    def orders(self, execution: Execution) -> list[Any]:
        """Every order ever intended for it."""
        return list(
            db.session.scalars(sa.select(Order).where(Order.execution_id == execution.id).order_by(Order.id))
        )

    def story(self, execution: Execution) -> list[Event]:
        """From the signal to the closed position."""
        return stories.story(execution)
