"""Signals: drafts, their publication, and what became of them on every account."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import Form

from portal.admin import values
from portal.admin.access import actor
from portal.admin.base import Button, PortalModelView
from portal.admin.confirming import Question, confirm, found
from portal.admin.execution_rerun import SignalRerun
from portal.admin.filters import YES_NO, Choice, Contains, Since, Until
from portal.admin.routing import route
from portal.admin.signal_form import FIELDS, SECTIONS, SignalForm
from portal.admin.signal_preview import SignalPreview, summary
from portal.db import db
from portal.models import Execution, ExecutionPosition, Signal
from portal.models.position import HELD
from portal.services import signals, trading_state
from portal.services.reports import fanout
from portal.trading.types import ExecutionStatus, Side, SignalAction
from portal.web import words
from portal.web.orders import OrderSummary, summaries

#: Rows of the fan-out report on one page; the rest is a filter of Executions.
_REPORT_ROWS = 200
#: Nothing is to be done about these.
_QUIET = (ExecutionStatus.FILLED, ExecutionStatus.PARTIALLY_FILLED, ExecutionStatus.OPEN)
_NOBODY = "No connection is eligible now, so nothing would be traded."
_STEP_WORDS = {"total": "From publication to the answer", "filled": "From sending to filled"}


class SignalView(SignalPreview, SignalRerun, PortalModelView):
    noun = "signal"
    can_create = can_edit = True
    form = SignalForm
    form_columns = FIELDS
    form_sections = SECTIONS
    details_template = "admin/signal.html"
    create_template = "admin/signal_form.html"
    edit_template = "admin/signal_edit.html"
    introduction = "A published signal goes to every eligible account, once. Drafts go nowhere."
    empty_message = "No signal yet. A draft can be written here; webhook and API bring their own."
    column_default_sort = ("id", True)
    #: The table grows for ever: no counting.
    simple_list_pager = True
    column_select_related_list = (Signal.author,)
    column_list = (
        "id", "currency_pair", "direction", "action", "is_published", "published_at", "source", "author",
        "created_at",
    )  # fmt: skip
    column_details_list = (
        "currency_pair", "direction", "action", "market_type", "order_type", "time_in_force",
        "open_price", "sl", "tp",
        "expires_at", "plans", "source", "author", "dedupe_key", "created_at", "published_at", "note",
    )  # fmt: skip
    column_export_list = (
        "id", "currency_pair", "direction", "action", "order_type", "open_price", "sl", "tp", "source",
        "created_at",
        "published_at",
    )  # fmt: skip
    column_searchable_list = ("currency_pair", "dedupe_key")
    column_sortable_list = ("id", "currency_pair", "created_at", "published_at")
    column_filters = (
        Contains(Signal.currency_pair, "Currency pair"),
        Choice(Signal.direction, "Direction", Side),
        Choice(Signal.is_published, "Published", YES_NO),
        Since(Signal.created_at, "Created"),
        Until(Signal.created_at, "Created"),
    )
    column_labels = {"id": "No.", "sl": "Stop loss", "tp": "Take profit", "is_published": "Status"}
    column_formatters = {
        "is_published": lambda _v, _c, row, _n: values.status_badge(
            "published" if row.is_published else "draft"
        )
    }
    number_columns = ("id",)
    telling_if_none = ("sl", "tp")

    def may_edit(self, model: Any) -> bool:
        return not model.is_published

    def buttons(self, model: Any) -> list[Button]:
        if model.is_published:
            opened = url_for("admin_positions.close_all", scope="signal", key=model.id)
            close = [Button("Close what it opened…", opened)] if _holds(model) else []
            return [*close, Button("Copy to a new draft", url_for(".create_view", like=model.id))]
        return [
            Button("Preview", url_for(".preview", signal_id=model.id), post=True),
            Button("Publish…", url_for(".publish", signal_id=model.id), kind="primary"),
        ]

    def store_new(self, form: Form) -> Any:
        made = signals.submit(form.to_data(), author=actor(), source="admin", publish=False)
        return db.session.get_one(Signal, made.signal_id)

    def store_changes(self, form: Form, row_id: int) -> Any:
        return signals.update_draft(row_id, form.to_data(), actor=actor())

    def create_form(self, obj: Any = None) -> Form:
        like = request.args.get("like") if request.method == "GET" else None
        model = self.get_one(like) if like else obj
        form = super().create_form(obj=model)
        if model is not None:
            form.plans.data, form.expires_at.data = [plan.name for plan in model.plans], None
        return form

    def edit_form(self, obj: Any = None) -> Form:
        form = super().edit_form(obj)
        if form.plans.raw_data is None and obj is not None:
            form.plans.data = [plan.name for plan in obj.plans]
        return form

    def get_save_return_url(self, model: Any, is_created: bool = False) -> str:
        return str(url_for(".details_view", id=model.id))

    @route("/edit/", methods=("GET", "POST"))
    def edit_view(self) -> Any:
        signal = self.get_one(request.args.get("id"))
        if signal is not None and signal.is_published:
            flash("A published signal is never changed. Publish a new one instead.", "error")
            return redirect(url_for(".details_view", id=signal.id))
        return super().edit_view()

    @route("/publish/<row_id:signal_id>", methods=("GET", "POST"))
    def publish(self, signal_id: int) -> ResponseReturnValue:
        """Ask, then publish."""
        signal = found(Signal, signal_id)
        if signal.is_published and request.method == "GET":
            flash(f"Signal {signal_id} is published already: this is what became of it.", "info")
            return redirect(url_for(".details_view", id=signal_id))
        reach = signals.reach(signal_id)
        many = "1 connection" if reach == 1 else f"{reach:,} connections"
        question = Question(
            question=f"Publish signal {signal_id}?",
            sentences=(
                f"{signal.action.value.capitalize()} {signal.direction.value} {signal.currency_pair}.",
                f"It will reach {many}. Orders are placed at once, and it cannot be changed afterwards.",
                *filter(None, [summary(signal)]),
            ),
            label=f"Publish to {many}",
            back=url_for(".details_view", id=signal_id),
            warning=_stopped(signal) if reach else _NOBODY,
        )
        return confirm(self, question, lambda: self._publish(signal_id))

    def report(self, signal: Signal) -> fanout.Report:
        """What became of the signal."""
        return fanout.report(signal.id)

    def executions(self, signal: Signal) -> list[Execution]:
        """The first of its accounts; those that need somebody come first."""
        waits = sa.case((Execution.status.in_(_QUIET), 1), else_=0)
        found = sa.select(Execution).where(Execution.signal_id == signal.id)
        return list(db.session.scalars(found.order_by(waits, Execution.id).limit(_REPORT_ROWS)))

    def orders_of(self, rows: Sequence[Execution]) -> dict[int, OrderSummary]:
        """What was bought or sold, by execution."""
        return summaries([row.id for row in rows])

    def step_words(self, name: str) -> str:
        """What a step is called."""
        return words.STEPS.get(name) or _STEP_WORDS[name]

    def _publish(self, signal_id: int) -> str:
        count = signals.publish(signal_id, actor=actor())
        return f"Signal {signal_id} was published to {count:,} connection{'' if count == 1 else 's'}."


def _holds(signal: Signal) -> bool:
    """Whether something that the signal opened is still open."""
    opened = sa.select(ExecutionPosition.id).join(Execution, ExecutionPosition.execution_id == Execution.id)
    mine = opened.where(Execution.signal_id == signal.id, ExecutionPosition.status.in_(HELD))
    return db.session.scalar(mine.limit(1)) is not None


def _stopped(signal: Signal) -> str:
    """Which switches would deny it; empty when there is none, and for exits, which always pass."""
    if signal.action is not SignalAction.OPEN:
        return ""
    found = [
        f"{trading_state.named(row.scope, row.key)} is {row.state.value}"
        for row in trading_state.restricting(signal.currency_pair)
    ]
    return f"{'; '.join(found)}: accounts that this concerns deny it." if found else ""
