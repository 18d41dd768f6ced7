"""Positions: read-only, and closed through the service when an administrator says so."""

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from portal.admin import links, values
from portal.admin.access import actor
from portal.admin.base import Button, PortalModelView
from portal.admin.close_all import CloseAllPages
from portal.admin.confirming import Question, confirm, found
from portal.admin.filters import Choice, Contains, Number, Since, Until
from portal.admin.routing import route
from portal.models import ExecutionPosition
from portal.services import positions
from portal.trading.types import ClosedReason, PositionSide, PositionStatus, Protection

_OPEN = (PositionStatus.OPEN, PositionStatus.CLOSING)


class PositionView(CloseAllPages, PortalModelView):
    list_template = "admin/positions.html"
    noun = "position"
    introduction = "One exposure on one account, watched until it is closed."
    empty_message = "No position yet. A filled entry opens one."
    column_default_sort = ("id", True)
    column_list = (
        "id", "connection_name", "currency_pair", "position_side", "status", "protection", "quantity",
        "average_entry_price", "mark_price", "unrealized_pnl", "realized_pnl", "closed_reason", "opened_at",
    )  # fmt: skip
    column_details_list = (
        "connection_name", "exchange_name", "symbol", "market_type", "position_side", "status",
        "closed_reason", "protection", "protection_note", "protection_checked_at", "when_unprotected",
        "quantity", "entry_quantity", "average_entry_price", "average_exit_price", "mark_price",
        "marked_at", "sl_price",
        "tp_prices", "unrealized_pnl", "realized_pnl", "fees", "funding", "dust_quantity", "opened_at",
        "close_requested_at",
        "closed_at", "execution_id",
    )  # fmt: skip
    column_export_list = (
        "id", "connection_name", "exchange_name", "symbol", "position_side", "status", "quantity",
        "average_entry_price",
        "average_exit_price", "realized_pnl", "unrealized_pnl", "fees", "settle", "closed_reason",
        "opened_at", "closed_at",
    )  # fmt: skip
    column_searchable_list = ("connection_name", "currency_pair")
    column_sortable_list = ("id", "opened_at", "unrealized_pnl", "realized_pnl")
    column_filters = (
        Choice(ExecutionPosition.status, "Status", PositionStatus),
        Choice(ExecutionPosition.position_side, "Side", PositionSide),
        Choice(ExecutionPosition.protection, "Protection", Protection),
        Choice(ExecutionPosition.closed_reason, "Closed by", ClosedReason),
        Contains(ExecutionPosition.currency_pair, "Currency pair"),
        Number(ExecutionPosition.connection_id, "Connection number"),
        Since(ExecutionPosition.opened_at, "Opened"),
        Until(ExecutionPosition.opened_at, "Opened"),
    )
    form_columns = ()
    column_labels = {
        "id": "No.", "connection_name": "Connection", "position_side": "Side", "average_entry_price": "Entry",
        "mark_price": "Mark", "unrealized_pnl": "Unrealized", "realized_pnl": "Realized",
        "closed_reason": "Closed by", "sl_price": "Stop loss", "tp_prices": "Take profit",
        "execution_id": "Execution", "average_exit_price": "Exit",
    }  # fmt: skip
    column_formatters = links.ROWS | {
        "tp_prices": values.targets,
        "status": values.badge,
        "protection": values.badge,
        "unrealized_pnl": values.money_in("settle", signed=True),
        "realized_pnl": values.money_in("settle", signed=True),
        "fees": values.money_in("settle"),
        "funding": values.money_in("settle", signed=True),
    }
    number_columns = (
        "id", "quantity", "average_entry_price", "mark_price", "unrealized_pnl", "realized_pnl",
    )  # fmt: skip

    def buttons(self, model: Any) -> list[Button]:
        if model.status not in _OPEN:
            return []
        return [Button("Close…", url_for(".close", position_id=model.id), kind="danger")]

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
            warning="" if position.status in _OPEN else "It is closed already, so there is nothing to do.",
            possible=position.status in _OPEN,
        )
        return confirm(self, question, lambda: self._close(position_id))

    def _close(self, position_id: int) -> str:
        positions.request_close(position_id, actor=actor())
        return f"Position {position_id} is being closed."
