"""Numbers of other rows as links to them."""

from typing import Any

from flask import url_for
from markupsafe import Markup

from portal.admin.values import Formatter


def to(view: str) -> Formatter:
    """Column formatter: the id in this column, as a link to its row in `view`."""

    def formatter(_view: Any, _context: Any, model: Any, name: str) -> Markup | None:
        row_id = getattr(model, name)
        if row_id is None:
            return None
        url = url_for(f"admin_{view}.details_view", id=row_id)
        return Markup('<a class="num" href="{}">{}</a>').format(url, row_id)

    return formatter


ROWS: dict[str, Formatter] = {
    "signal_id": to("signals"),
    "execution_id": to("executions"),
    "position_id": to("positions"),
    "connection_id": to("connections"),
}
