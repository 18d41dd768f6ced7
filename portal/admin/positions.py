"""Positions: read-only, and closed through the service when an administrator says so."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.admin import links, people, position_cells, values
from portal.admin.access import actor
from portal.admin.base import Button, PortalModelView
from portal.admin.close_all import CloseAllPages
from portal.admin.confirming import Question, confirm, found
from portal.admin.filters import Choice, Contains, Number, OfSignal, Person, Since, Until
from portal.admin.moving_stops import StopPages, can_move
from portal.admin.routing import route
from portal.db import utcnow
from portal.models import ExecutionPosition, Order
from portal.models.position import HELD
from portal.services import positions, price_doubts
from portal.services.protection import evidence
from portal.trading.types import ClosedReason, PositionSide, PositionStatus, Protection
from portal.web import position_figures, protection_words


class PositionView(CloseAllPages, StopPages, PortalModelView):
    noun = "position"
    list_template = "admin/positions.html"
    details_template = "admin/position.html"
    introduction = "One exposure on one account, watched until it is closed."
    empty_message = "No position yet. A filled entry opens one."
    live_seconds = 5
    #: For the templates.
    figures, guard_words = position_figures, protection_words
    column_default_sort = ("id", True)
    #: The table grows for ever: no counting.
    simple_list_pager = True
    column_list = (
        "id", "connection_name", "currency_pair", "status", "unrealized_pnl", "mark_price", "sl_price",
        "protection",
    )  # fmt: skip
    column_details_list = (
        "connection_id", "connection_name", "exchange_name", "symbol", "market_type", "position_side",
        "closed_reason", "when_unprotected",
        "quantity", "entry_quantity", "average_entry_price", "average_exit_price", "sl_price",
        "tp_prices", "realized_pnl", "fees", "funding", "dust_quantity", "unexplained_quantity", "opened_at",
        "close_reason", "close_requested_at", "next_close_at", "closed_at", "execution_id",
        "close_execution_id", "owner_id",
    )  # fmt: skip
    column_export_list = (
        "id", "connection_name", "exchange_name", "symbol", "position_side", "status", "quantity",
        "average_entry_price",
        "average_exit_price", "realized_pnl", "unrealized_pnl", "fees", "settle", "closed_reason",
        "opened_at", "closed_at",
    )  # fmt: skip
    column_searchable_list = ("connection_name", "currency_pair")
    column_sortable_list = ("id", "unrealized_pnl")
    column_filters = (
        Choice(ExecutionPosition.status, "Status", PositionStatus),
        Choice(ExecutionPosition.position_side, "Side", PositionSide),
        Choice(ExecutionPosition.protection, "Protection", Protection),
        Choice(ExecutionPosition.closed_reason, "Closed by", ClosedReason),
        Contains(ExecutionPosition.currency_pair, "Currency pair"),
        Number(ExecutionPosition.connection_id, "Connection number"),
        Since(ExecutionPosition.opened_at, "Opened"),
        Until(ExecutionPosition.opened_at, "Opened"),
        Person(ExecutionPosition.owner_id, "Owner"),
        Contains(ExecutionPosition.exchange_name, "Exchange"),
        Contains(ExecutionPosition.connection_name, "Connection"),
        OfSignal(ExecutionPosition.execution_id, "Signal number"),
    )
    form_columns = ()
    column_labels = {
        "id": "No.", "connection_name": "Connection", "position_side": "Side", "average_entry_price": "Entry",
        "mark_price": "Price", "unrealized_pnl": "Result", "realized_pnl": "Realized",
        "currency_pair": "Market",
        "closed_reason": "Closed by", "sl_price": "Stop", "tp_prices": "Take profit",
        "next_tp_price": "Next target", "execution_id": "Execution", "average_exit_price": "Exit",
        "connection_id": "Connection number", "owner_id": "Owner", "close_reason": "Close asked for",
        "close_execution_id": "Closed by execution", "next_close_at": "Close tried again",
    }  # fmt: skip
    column_formatters = links.ROWS | position_cells.CELLS | {
        **dict.fromkeys(("entry_quantity", "dust_quantity", "unexplained_quantity"), values.counted),
        "tp_prices": values.targets,
        "realized_pnl": values.money_in("settle", signed=True),
        "fees": values.money_in("settle"),
        "funding": values.money_in("settle", signed=True),
        "close_execution_id": links.to("executions"),
        "owner_id": people.email_of,
    }  # fmt: skip
    number_columns = ("id", "mark_price", "unrealized_pnl", "sl_price")
    telling_if_none = ("sl_price", "tp_prices")

    def get_list(self, *args: Any, **kwargs: Any) -> Any:
        """With the guards of all rows, read at once."""
        count, rows = super().get_list(*args, **kwargs)
        position_cells.remember(rows)
        return count, rows

    def proof(self, position: ExecutionPosition) -> tuple[list[Order], list[Order]]:
        """The orders that protect it, and those that did."""
        return evidence.resting([position.id]).get(position.id, []), evidence.ended(position.id)

    def unpriced(self, position: ExecutionPosition) -> str:
        """What is wrong with its price; nothing when it is good."""
        return price_doubts.explain(position, utcnow())

    def buttons(self, model: Any) -> list[Button]:
        if model.status not in HELD:
            return []
        stop = Button("Move stop…", url_for(".move_stop", position_id=model.id))
        close = Button("Close…", url_for(".close", position_id=model.id), kind="danger")
        return [stop, close] if can_move(model) else [close]

    @route("/close/<row_id:position_id>", methods=("GET", "POST"))
    def close(self, position_id: int) -> ResponseReturnValue:
        """Ask, then have it closed at the market."""
        position = found(ExecutionPosition, position_id)
        question = Question(
            question=f"Close position {position_id}?",
            sentences=(
                f"{values.plain_number(position.quantity)} {position.symbol} {position.position_side.value}"
                f" on {position.connection_name}.",
                "All of it is sold or bought back at the market, as soon as a worker is free.",
            ),
            label="Close at the market",
            kind="danger",
            back=url_for(".details_view", id=position_id),
            warning="" if position.status in HELD else "It is closed already, so there is nothing to do.",
            possible=position.status in HELD,
        )
        return confirm(self, question, lambda: self._close(position_id))

    def _close(self, position_id: int) -> str:
        positions.request_close(position_id, actor=actor())
        return f"Position {position_id} is being closed."
