"""What a person's own accounts earned, and how well signals were carried out on them."""

from flask import Response, render_template

from portal.web import reporting
from portal.web.access import me, pages

analytics = pages("analytics", __name__, "/analytics")


@analytics.get("")
def index() -> str:
    asked = reporting.Asked.from_request(me().id)
    return render_template("web/analytics.html", **reporting.page(asked), name="analytics")


@analytics.get("/report.csv")
def export() -> Response:
    return reporting.as_csv(reporting.Asked.from_request(me().id))
