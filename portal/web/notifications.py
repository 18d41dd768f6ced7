"""What a person is told, and marking it as read."""

import sqlalchemy as sa
from flask import redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.db import db
from portal.models import Notification
from portal.services import notifications as service
from portal.web.access import me, pages
from portal.web.paging import page_of
from portal.web.scoping import one, owned_by

notifications = pages("notifications", __name__, "/notifications")


@notifications.get("")
def index() -> str:
    return render_template("web/notifications.html", page=page_of(owned_by(me(), Notification), Notification))


@notifications.post("/read")
def read_all() -> Response:
    service.mark_read(me(), None)
    return _back()


@notifications.post("/<row_id:notification_id>/read")
def read(notification_id: int) -> Response:
    found = one(owned_by(me(), Notification), Notification, notification_id)
    service.mark_read(me(), [found.id])
    return _back()


@notifications.app_template_global()
def unread_count() -> int:
    """For the navigation: how many notifications wait to be read."""
    if not current_user.is_authenticated:
        return 0
    unread = owned_by(me(), Notification).where(Notification.read_at.is_(None)).limit(100)
    return db.session.scalar(sa.select(sa.func.count()).select_from(unread.subquery())) or 0


def _back() -> Response:
    # Only to pages of ours that show notifications; never to an address from outside.
    return redirect(url_for("home.show" if request.form.get("back") == "home" else "notifications.index"))
