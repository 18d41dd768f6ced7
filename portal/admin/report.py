"""Analytics over all accounts, at `/admin/report/`: the page that owners have, for everybody together."""

from flask import Response
from flask_admin import BaseView

from portal.admin.access import AdminOnly
from portal.admin.routing import route
from portal.web import reporting


class ReportView(AdminOnly, BaseView):  # type: ignore[misc]
    @route("/")
    def index(self) -> str:
        """The page."""
        asked = reporting.Asked.from_request(None)
        return str(self.render("admin/report.html", **reporting.page(asked), name="admin_report"))

    @route("/report.csv")
    def export(self) -> Response:
        """The same as a file."""
        return reporting.as_csv(reporting.Asked.from_request(None))
