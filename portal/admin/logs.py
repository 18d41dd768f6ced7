"""The execution log for operators: filtered by anything, page by page, followed live, and taken out as a
file."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Response, redirect, request, stream_with_context
from flask.typing import ResponseReturnValue

from portal.admin import links, values
from portal.admin.access import actor
from portal.admin.base import PortalModelView
from portal.admin.routing import route
from portal.admin.values import csv_cell
from portal.db import transaction
from portal.errors import ValidationError
from portal.models import ExecutionLog
from portal.services import audit, log_kinds, log_search
from portal.services.log_search import Search
from portal.web import log_filters, log_pages

#: Lines of one file; the newest.
MOST = 50_000


class LogView(PortalModelView):
    noun = "log"
    list_template = "admin/logs.html"
    details_template = "admin/log.html"
    introduction = "What was attempted on accounts, step by step. Rows are only ever added."
    empty_message = "Nothing was attempted yet."
    column_default_sort = ("id", True)
    #: The table grows for ever: no counting.
    simple_list_pager = True
    column_list = ("at", "event", "message", "connection_id", "execution_id", "position_id", "duration_ms")
    column_details_list = (
        "at", "event", "message", "duration_ms", "connection_id", "execution_id", "order_id",
        "position_id", "data",
    )  # fmt: skip
    column_export_list = (
        "id", "at", "event", "message", "duration_ms", "connection_id", "owner_id", "execution_id",
        "order_id", "position_id", "data",
    )  # fmt: skip
    column_searchable_list = ()
    column_sortable_list = ()
    #: They are in `web.log_filters`, which the owners' pages share.
    column_filters = ()
    form_columns = ()
    column_labels = {
        "at": "When", "connection_id": "Connection", "execution_id": "Execution", "position_id": "Position",
        "order_id": "Order", "duration_ms": "Took (ms)",
    }  # fmt: skip
    column_formatters = links.ROWS | {"event": values.badge}
    number_columns = ("connection_id", "execution_id", "position_id", "duration_ms")
    text_columns = ("message",)

    @route("/", methods=("GET",))
    def index_view(self) -> ResponseReturnValue:
        """One page of what the address asks for."""
        asked = log_filters.read(request.args, log_filters.FOR_OPERATORS)
        page = log_pages.look(asked)
        shown = str(
            self.render(self.list_template, asked=asked, page=page, filters=log_filters, pages=log_pages)
        )
        return (shown, 422) if page.refused else shown

    def story_of(self, line: ExecutionLog) -> int | None:
        """The execution whose story tells of it."""
        return log_search.executions_of([line]).get(line.id)

    def _export_csv(self, return_url: Any) -> Any:
        asked = log_filters.read(request.args, log_filters.FOR_OPERATORS)
        try:
            search = asked.search.bounded()
        except ValidationError:
            # The list says why.
            return redirect(log_pages.address(asked, at=".index_view"))
        with transaction():
            audit.record(
                actor(), "portal.log.exported", "log", filters=request.query_string.decode()[:500], most=MOST
            )
        return Response(
            stream_with_context(_file(search)),
            mimetype="text/csv",
            headers={
                "Content-Disposition": "attachment; filename=execution_log.csv",
                "X-Content-Type-Options": "nosniff",
            },
        )


def _file(search: Search) -> Iterator[str]:
    yield _row([*LogView.column_export_list, "level"])
    count = 0
    try:
        for line in log_search.all_lines(search, most=MOST):
            count += 1
            cells = [getattr(line, name) for name in LogView.column_export_list]
            yield _row([*cells, log_kinds.level_of(line.event).value])
    except ValidationError as error:
        yield _row([f"The file ends here: the search {error.errors['search']}."])
    if count == MOST:
        yield _row([f"The file ends here, at {MOST} rows; narrow the filter for what is older."])


def _row(cells: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([csv_cell(cell) for cell in cells])
    return out.getvalue()
