"""What was attempted on a person's own accounts, filtered. Nobody else's lines."""

from flask import render_template, request

from portal.web import log_filters, log_pages
from portal.web.access import me, pages

logs = pages("logs", __name__, "/logs")


@logs.get("")
def index() -> str | tuple[str, int]:
    asked = log_filters.read(request.args, log_filters.FOR_OWNERS)
    page = log_pages.look(asked, owner_id=me().id)
    shown = render_template("web/logs.html", asked=asked, page=page, filters=log_filters, pages=log_pages)
    return (shown, 422) if page.refused else shown
