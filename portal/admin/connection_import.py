"""Importing connections on a page: a check that stores nothing, then the import. A key that was sent is never
shown again, and nothing of a file is kept between two requests."""

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin.form import BaseForm

from portal.admin.access import actor
from portal.admin.connection_import_form import ImportForm, rows_of
from portal.admin.connection_import_report import Report, refused_whole, report_of
from portal.admin.routing import route
from portal.db import db
from portal.errors import PortalError
from portal.models import User
from portal.services import importing
from portal.services.importing_csv import COLUMNS

_EXAMPLES = (
    ("Alice on Bybit", "bybit", "crypto", "live", "the API key", "its secret", "", "", "", ""),
    ("Practice", "sandbox", "crypto", "paper", "the API key", "its secret", "", "", "", "true"),
)


class ConnectionImport:
    """Mixed into the view of connections."""

    @route("/import", methods=("GET", "POST"))
    def import_view(self) -> ResponseReturnValue:
        """Check a file, or import it: all of it, or nothing."""
        form = ImportForm(request.form if request.method == "POST" else None)
        if request.method != "POST":
            return self._import_page(form, None)
        check_only = request.form.get("do") != "import"
        found = _attempt(form, check_only) if form.validate() else None
        if found is not None and found.is_done:
            flash(found.headline, "success")
            return redirect(url_for(".index_view"))
        # A check that finds something has done what was asked.
        return self._import_page(form, found), 200 if check_only else 422

    @route("/import/template.csv")
    def import_template(self) -> Response:
        """An example of the file, to be filled in."""
        lines = [COLUMNS, *_EXAMPLES]
        text = "".join(",".join(cells) + "\r\n" for cells in lines)
        name = 'attachment; filename="connections.csv"'
        return Response(text, mimetype="text/csv", headers={"Content-Disposition": name})

    def _import_page(self, form: BaseForm, found: Report | None) -> str:
        # Never with what was typed: there are keys in it.
        form.credentials_text.data = form.credentials_text.raw_data = None
        page = self.render("admin/connection_import.html", form=form, report=found, columns=COLUMNS)  # type: ignore[attr-defined]
        return str(page)


def _attempt(form: BaseForm, check_only: bool) -> Report:
    try:
        rows = rows_of(form)
        owner = db.session.get(User, form.owner_id.data) if form.owner_id.data else None
        result = importing.import_connections(rows, owner=owner, actor=actor(), check_only=check_only)
    except PortalError as error:
        return refused_whole(error.message)
    return report_of(rows, result, check_only=check_only)
