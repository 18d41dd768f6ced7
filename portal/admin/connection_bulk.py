"""Many connections at once: chosen in the list, named on a page that asks, done row by row, and told row by
row."""

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.admin.access import actor
from portal.admin.connection_bulk_words import Choice, choice_of, choices
from portal.admin.routing import route
from portal.db import db
from portal.models import ExecutionConnection
from portal.services.connections_bulk import apply

_MOST = 500
#: From here on the number is typed, so that nobody switches hundreds by a slip.
_TYPED_ABOVE = 20


class ConnectionBulk:
    """Mixed into the view of connections."""

    def bulk_choices(self) -> dict[str, list[Choice]]:
        """For the list above the rows."""
        return choices()

    @route("/bulk", methods=("GET",))
    def bulk_page(self) -> ResponseReturnValue:
        """Somebody reloaded the question."""
        return redirect(url_for(".index_view"))

    @route("/bulk", methods=("POST",))
    def bulk(self) -> ResponseReturnValue:
        """Ask first; once more with the answer, do it and say what became of every row."""
        choice, rows = choice_of(request.form.get("do", "")), _chosen()
        confirmed, count = request.form.get("confirmed") == "yes", request.form.get("count", "").strip()
        if choice is None or not rows:
            flash("Choose at least one connection, and what to do. Nothing was done.", "error")
            return redirect(url_for(".index_view"))
        words = {"choice": choice, "rows": rows, "typed": len(rows) > _TYPED_ABOVE}
        if not confirmed:
            return self._page("ask", **words, error="")
        if len(rows) > _TYPED_ABOVE and count != str(len(rows)):
            error = f"Type {len(rows)}, the number of connections. Nothing was done."
            return self._page("ask", **words, error=error), 422
        outcomes = apply(choice.what, [row.id for row in rows], value=choice.value, actor=actor())
        return self._page("done", choice=choice, outcomes=outcomes)

    def _page(self, name: str, **words: object) -> str:
        return str(self.render(f"admin/connection_bulk_{name}.html", **words))  # type: ignore[attr-defined]


def _chosen() -> list[ExecutionConnection]:
    """The rows that were ticked, by their number; what is no number is no row."""
    sent = {
        text for text in request.form.getlist("rowid") if text.isascii() and text.isdigit() and len(text) < 18
    }
    ids = sorted(map(int, sent))[:_MOST]
    query = sa.select(ExecutionConnection).where(ExecutionConnection.id.in_(ids))
    return list(db.session.scalars(query.order_by(ExecutionConnection.id)))
