"""The health of one connection in the panel: the test that runs, what became of it before, and who changed
its keys."""

from typing import Any

from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal.admin.confirming import found
from portal.admin.routing import route
from portal.models import AuditEntry, ExecutionConnection
from portal.services.connections_history import changes_of, credentials_changed
from portal.web.formatting import when
from portal.web.health_words import Line, changed_by, history
from portal.web.paging import latest, page_of
from portal.web.progress_words import Shown, last_test

_RECENT = 5


class ConnectionHealth:
    """Mixed into the view of connections."""

    def last_test(self, row: ExecutionConnection) -> Shown | None:
        """The test of the past hour."""
        return last_test(row)

    def recent_health(self, row: ExecutionConnection) -> list[Line]:
        """The newest lines of its history."""
        return history(latest(changes_of(row.id), AuditEntry, _RECENT), row.id)

    @route("/health/<row_id:connection_id>")
    def health(self, connection_id: int) -> ResponseReturnValue:
        """All of its history, page by page."""
        row = found(ExecutionConnection, connection_id)
        page = page_of(changes_of(row.id), AuditEntry)
        lines = history(page.rows, row.id)
        return str(self.render("admin/connection_health.html", connection=row, page=page, lines=lines))  # type: ignore[attr-defined]


def shown_credentials(_view: Any, _context: Any, row: ExecutionConnection, _name: str) -> Any:
    """Column formatter: whether there are credentials, who changed them last and when."""
    there = "stored, encrypted" if row.has_credentials() else "none"
    entry = credentials_changed(row.id)
    if entry is None:
        return there
    return Markup("{}; last changed by {} {}").format(there, changed_by(entry, None), when(entry.at))
