"""What a person is told, and marking it as read."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.db import db
from portal.models import ExecutionConnection, Notification
from portal.services import notifications as service
from portal.services.channels.texts import MEANING, page_of
from portal.trading.types import NotificationType
from portal.web import words
from portal.web.access import me, pages
from portal.web.paging import page_of as rows_of
from portal.web.scoping import one, owned_by

notifications = pages("notifications", __name__, "/notifications")


@dataclass(frozen=True, slots=True)
class News:
    """One notification as it is read: what happened, on which account, what it means, where to look."""

    row: Notification
    word: str
    tone: str
    account: str | None
    meaning: str
    href: str


@notifications.get("")
def index() -> str:
    query, kind = owned_by(me(), Notification), request.args.get("kind", "")
    unread = request.args.get("show") == "unread"
    if unread:
        query = query.where(Notification.read_at.is_(None))
    if kind in set(NotificationType):
        query = query.where(Notification.type == NotificationType(kind))
    page = rows_of(query, Notification)
    return render_template("web/notifications.html", page=page, unread=unread, kind=kind)


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
def news(rows: Sequence[Notification]) -> list[News]:
    """`rows` with all that belongs to them, in one query. Only for rows that the reader may see."""
    accounts = {row.connection_id for row in rows if row.connection_id is not None}
    names: dict[int, str] = {}
    if accounts:
        query = sa.select(ExecutionConnection.id, ExecutionConnection.name)
        names = {
            row[0]: row[1] for row in db.session.execute(query.where(ExecutionConnection.id.in_(accounts)))
        }
    return [_news(row, names.get(row.connection_id or 0)) for row in rows]


def _news(row: Notification, account: str | None) -> News:
    word, tone = words.NEWS[row.type]
    href = page_of(
        row.type,
        position_id=row.position_id,
        execution_id=row.execution_id,
        connection_id=row.connection_id,
        is_for_house=row.user_id is None,
    )
    return News(row, word, tone, account, MEANING[row.type], href)


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
