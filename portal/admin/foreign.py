"""What accounts show that is not ours: read-only, because Portico does not touch it."""

from typing import Any

from markupsafe import Markup

from portal.admin import links, values
from portal.admin.base import PortalModelView
from portal.admin.filters import Choice, Contains, Number, Since, Until
from portal.models import ForeignHolding
from portal.trading.types import ForeignKind, Side


def _still_there(_view: Any, _context: Any, model: ForeignHolding, _name: str) -> str:
    return "gone" if model.gone_at is not None else "there"


def _what(_view: Any, _context: Any, row: ForeignHolding, _name: str) -> Markup:
    """Column formatter: what it is, on which market."""
    return Markup('{} {} <span class="muted">{}</span>').format(row.side.value, row.symbol, row.kind.value)


class ForeignView(PortalModelView):
    noun = "foreign holding"
    introduction = (
        "Orders and positions at the exchanges that Portico did not send. It lists them, tells their owner"
        " once, and never trades them. On accounts with one position per market, entries are denied where a"
        " foreign position is. Orders on markets that Portico never traded on an account are looked for once"
        " an hour, where the exchange lists all markets at once."
    )
    empty_message = "Nothing foreign was seen: every account shows what the books say."
    column_default_sort = ("id", True)
    column_list = (
        "id", "connection_name", "symbol", "quantity", "price", "still_there", "first_seen_at",
        "last_seen_at",
    )  # fmt: skip
    column_details_list = (
        "connection_name", "connection_id", "kind", "symbol", "side", "quantity", "price",
        "exchange_order_id", "first_seen_at", "last_seen_at", "gone_at",
    )  # fmt: skip
    column_export_list = (
        "id", "connection_name", "kind", "symbol", "side", "quantity", "price", "exchange_order_id",
        "first_seen_at", "last_seen_at", "gone_at",
    )  # fmt: skip
    column_searchable_list = ("connection_name", "symbol")
    column_sortable_list = ("id", "first_seen_at", "last_seen_at")
    column_filters = (
        Choice(ForeignHolding.kind, "Kind", ForeignKind),
        Choice(ForeignHolding.side, "Side", Side),
        Contains(ForeignHolding.symbol, "Symbol"),
        Number(ForeignHolding.connection_id, "Connection number"),
        Since(ForeignHolding.first_seen_at, "First seen"),
        Until(ForeignHolding.first_seen_at, "First seen"),
    )
    form_columns = ()
    column_labels = {
        "id": "No.", "connection_name": "Connection", "connection_id": "Account", "still_there": "Now",
        "exchange_order_id": "Order at the exchange", "first_seen_at": "First seen",
        "last_seen_at": "Last seen", "gone_at": "Gone",
    }  # fmt: skip
    column_formatters = links.ROWS | {
        "symbol": _what,
        "still_there": _still_there,
        "kind": values.badge,
        "side": values.badge,
        "quantity": values.counted,
    }
    column_formatters_detail = {
        name: formatter for name, formatter in column_formatters.items() if name != "symbol"
    }
    number_columns = ("id", "quantity", "price")
