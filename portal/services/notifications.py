"""What account owners are told. In-app rows are written with the change they speak of; nothing here talks
to the outside: `portal/services/channels` does, afterwards."""

from collections.abc import Iterable

import sqlalchemy as sa

from portal.db import db, request_job, transaction, utcnow
from portal.models import Execution, ExecutionConnection, ExecutionPosition, Notification, User
from portal.services.channels import reach
from portal.trading.types import NotificationType


def notify(
    type_: NotificationType,
    title: str,
    body: str = "",
    *,
    user_id: int | None = None,
    connection: ExecutionConnection | None = None,
    execution: Execution | None = None,
    position: ExecutionPosition | None = None,
) -> None:
    """Tell the owner of the given row (or `user_id`; nobody = every administrator). Joins the caller's
    transaction."""
    owner = user_id
    for row in (execution, position, connection):
        if owner is None and row is not None:
            owner = row.owner_id
    source = execution or position
    told = Notification(
        user_id=owner,
        type=type_,
        title=title,
        body=body,
        connection_id=connection.id if connection else (source.connection_id if source else None),
        execution_id=execution.id if execution else None,
        position_id=position.id if position else None,
    )
    db.session.add(told)
    if reach.has_channel(owner):
        db.session.flush()
        request_job("deliver_notification", told.id)


def mark_read(user: User, ids: Iterable[int] | None = None) -> int:
    """Mark `user`'s notifications as read (all, or `ids`; other people's are left alone). Commits, may be
    repeated. Returns how many changed."""
    mine = Notification.user_id == user.id
    if user.is_admin:
        mine = sa.or_(mine, Notification.user_id.is_(None))
    statement = sa.update(Notification).where(mine, Notification.read_at.is_(None)).values(read_at=utcnow())
    if ids is not None:
        statement = statement.where(Notification.id.in_(list(ids)))
    with transaction() as session:
        return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]
