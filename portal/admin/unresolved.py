"""Orders in doubt: what was sent, what was asked and answered, and what a person may decide. Asks no venue; a
worker does that."""

from typing import Any

import sqlalchemy as sa
from flask import request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal.admin import links, values
from portal.admin.access import actor
from portal.admin.base import Button, PortalModelView
from portal.admin.confirming import act
from portal.admin.filters import Choice, Contains, Number, Since
from portal.admin.routing import route
from portal.db import db, utcnow
from portal.models import IN_DOUBT, Order, OrderQuestion
from portal.services.unresolved import asking, deciding, questions
from portal.trading.types import Answer, OrderRole, OrderState, QuestionKind
from portal.web import doubt_words

#: Not the thousand orders of a fan-out that are being sent this very second.
_WAITING = sa.or_(
    Order.state == OrderState.UNRESOLVED,
    sa.and_(Order.state == OrderState.IN_FLIGHT, Order.not_after < sa.func.now()),
)
_SENT = (
    "role", "side", "order_type", "time_in_force", "quantity", "price", "trigger_price", "reduce_only",
    "position_side", "sent_at", "not_after", "client_order_id", "exchange_order_id",
)  # fmt: skip


def _account(_view: Any, _context: Any, order: Order, _name: str) -> Any:
    """Column formatter: the account by its name."""
    if order.connection is None:
        return values.NOTHING
    url = url_for("admin_connections.details_view", id=order.connection_id)
    return Markup('<a href="{}">{}</a> <span class="muted">{}</span>').format(
        url, order.connection.name, order.connection.exchange_name
    )


def _what(_view: Any, _context: Any, order: Order, _name: str) -> Any:
    """Column formatter: what was to be bought or sold, and what for."""
    role = order.role.value.replace("_", " ")
    return Markup('{} {} <span class="muted">{}</span>').format(order.side.value, order.symbol, role)


class UnresolvedView(PortalModelView):
    noun = "order"
    details_template = "admin/unresolved.html"
    introduction = (
        "A request was sent and its answer was lost: these orders may exist. They are asked about all the"
        " time and usually settled within half a minute; what stays needs somebody to look at the exchange."
    )
    empty_message = "No order is in doubt. Every request that was sent has an outcome."
    column_default_sort = "sent_at"
    column_select_related_list = (Order.connection,)
    column_list = (
        "id", "connection_id", "symbol", "quantity", "state", "sent_at", "queries", "error_message",
    )  # fmt: skip
    column_details_list = ("connection_id", "symbol", *_SENT, "error_message", "execution_id", "position_id")
    column_export_list = ("id", "connection_id", "symbol", "state", *_SENT, "queries", "error_code")
    column_searchable_list = ("client_order_id", "symbol")
    column_sortable_list = ("id", "sent_at", "queries")
    column_filters = (
        Number(Order.connection_id, "Connection number"),
        Contains(Order.symbol, "Symbol"),
        Choice(Order.role, "Role", OrderRole),
        Since(Order.sent_at, "Sent"),
    )
    form_columns = ()
    column_labels = {
        "id": "No.", "connection_id": "Account", "sent_at": "Sent", "queries": "Questions",
        "error_message": "Why", "not_after": "Valid until", "execution_id": "Execution",
        "position_id": "Position", "exchange_order_id": "Id at the exchange",
    }  # fmt: skip
    column_formatters = {
        **links.ROWS,
        "connection_id": _account,
        "state": values.badge,
        "symbol": _what,
        "quantity": values.counted,
        "client_order_id": values.mono,
    }
    column_formatters_detail = {
        name: formatter for name, formatter in column_formatters.items() if name != "symbol"
    }
    number_columns = ("id", "quantity", "queries")
    text_columns = ("error_message",)
    telling_if_none = ("sent_at", "exchange_order_id")

    def get_query(self) -> Any:
        return super().get_query().filter(_WAITING)

    def get_count_query(self) -> Any:
        return super().get_count_query().filter(_WAITING)

    def in_doubt(self, order: Order) -> bool:
        """Whether there is anything to decide."""
        return order.state in IN_DOUBT

    def meaning(self, order: Order) -> list[str]:
        """What it means, in sentences."""
        return doubt_words.meaning(order)

    def seconds_open(self, order: Order) -> int:
        """For how long the request may still arrive."""
        return deciding.seconds_open(order)

    def phrase(self, order: Order) -> str:
        """What must be typed to declare it not placed."""
        return deciding.phrase_for(order)

    def asked(self, order: Order) -> list[tuple[OrderQuestion, str]]:
        """The last questions, newest first, each with its sentence."""
        return [(each, doubt_words.asked(each)) for each in questions.latest(order.id)]

    def sight(self, order: Order) -> OrderQuestion | None:
        """What the exchange showed when somebody asked for it last."""
        looks = [each for each in questions.latest(order.id) if each.kind is QuestionKind.LOOK]
        return next((each for each in looks if each.answer is not Answer.WANTED), None)

    def buttons(self, model: Any) -> list[Button]:
        if model.state not in IN_DOUBT:
            return []
        return [
            Button("Ask again", url_for(".ask", order_id=model.id), post=True, kind="primary"),
            Button("See what the exchange shows", url_for(".look", order_id=model.id), post=True),
        ]

    @route("/ask/<row_id:order_id>", methods=("POST",))
    def ask(self, order_id: int) -> ResponseReturnValue:
        """Let the exchange be asked now."""
        return act(_back(order_id), lambda: _ask(order_id))

    @route("/look/<row_id:order_id>", methods=("POST",))
    def look(self, order_id: int) -> ResponseReturnValue:
        """Let a worker list what it could be."""
        return act(_back(order_id), lambda: _look(order_id))

    @route("/adopt/<row_id:order_id>", methods=("POST",))
    def adopt(self, order_id: int) -> ResponseReturnValue:
        """Let a worker take an order of the exchange's for this one."""
        wanted = request.form.get("exchange_order_id", "") or request.form.get("candidate", "")
        return act(_back(order_id), lambda: _adopt(order_id, wanted))

    @route("/declare/<row_id:order_id>", methods=("POST",))
    def declare(self, order_id: int) -> ResponseReturnValue:
        """Settle it as never placed."""
        typed = request.form.get("confirmation", "")
        return act(_back(order_id), lambda: _declare(order_id, typed))


def orders_in_doubt() -> int:
    """How many orders stand on this page."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(Order).where(_WAITING)) or 0


def _back(order_id: int) -> str:
    return url_for(".details_view", id=order_id)


def _ask(order_id: int) -> str:
    deciding.ask_again(order_id, actor=actor())
    return f"The exchange is asked now ({utcnow():%H:%M:%S} UTC). The answer stands below in a moment."


def _look(order_id: int) -> str:
    asking.request_look(order_id, actor=actor())
    return "A worker looks at the exchange. What it sees stands below in a moment."


def _adopt(order_id: int, wanted: str) -> str:
    asking.request_adoption(order_id, wanted, actor=actor())
    return f"A worker reads {wanted.strip()} from the exchange and records it if it can be ours. See below."


def _declare(order_id: int, typed: str) -> str:
    deciding.declare_not_placed(order_id, typed, actor=actor())
    return (
        "Declared not placed. The exchange is asked about it for another hour; a fill that turns up is"
        " booked, with an alarm."
    )
