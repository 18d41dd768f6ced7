"""The first page: what one person has, what it is worth, and what went wrong."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.db import db, utcnow
from portal.models import (
    Execution,
    ExecutionConnection,
    ExecutionPosition,
    Notification,
    Subscription,
    User,
)
from portal.models.position import HELD
from portal.trading.types import ConnectionStatus, ExecutionStatus
from portal.web import obstacles
from portal.web.access import me, pages
from portal.web.orders import summaries
from portal.web.paging import latest
from portal.web.scoping import owned_by

home = pages("home", __name__)

_SHOWN = 8
#: What is open comes right below them, also on a phone.
_NEWS = 3
_WENT_WRONG = (ExecutionStatus.DENIED, ExecutionStatus.REJECTED, ExecutionStatus.UNRESOLVED)


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers at the top."""

    connections: int
    broken: int
    positions: int
    unrealized: list[tuple[str, Decimal]]
    executions: int
    went_wrong: int


@home.get("/start")
def start() -> ResponseReturnValue:
    """Where a login leads when it was for no page: operators to their dashboard, owners to their accounts."""
    return redirect(url_for("admin.index") if me().is_admin else url_for(".show"))


@home.get("/")
def show() -> str:
    user = me()
    executions = latest(owned_by(user, Execution), Execution, _SHOWN)
    return render_template(
        "web/home.html",
        figures=_figures(user),
        connections=_connections(user),
        positions=latest(_live_positions(user), ExecutionPosition, _SHOWN),
        executions=executions,
        orders=summaries([execution.id for execution in executions]),
        notifications=latest(_unread(user), Notification, _NEWS),
        stopped=obstacles.for_everything_of(user),
        is_subscribed=user.is_admin or _is_subscribed(user),
    )


def _figures(user: User) -> Figures:
    mine, positions = owned_by(user, ExecutionConnection), _live_positions(user).subquery()
    recent = owned_by(user, Execution).where(Execution.created_at > utcnow() - timedelta(days=1))
    worth = sa.select(positions.c.settle, sa.func.sum(positions.c.unrealized_pnl)).group_by(
        positions.c.settle
    )
    return Figures(
        connections=_count(mine),
        broken=_count(mine.where(ExecutionConnection.status == ConnectionStatus.ERROR)),
        positions=_count(_live_positions(user)),
        unrealized=[(row[0], row[1]) for row in db.session.execute(worth.order_by(positions.c.settle))],
        executions=_count(recent),
        went_wrong=_count(recent.where(Execution.status.in_(_WENT_WRONG))),
    )


def _connections(user: User) -> list[ExecutionConnection]:
    """The broken ones first, then by name."""
    is_fine = ExecutionConnection.status != ConnectionStatus.ERROR
    query = owned_by(user, ExecutionConnection).order_by(is_fine, ExecutionConnection.name).limit(_SHOWN)
    return list(db.session.scalars(query))


def _live_positions(user: User) -> sa.Select[ExecutionPosition]:
    return owned_by(user, ExecutionPosition).where(ExecutionPosition.status.in_(HELD))


def _unread(user: User) -> sa.Select[Notification]:
    return owned_by(user, Notification).where(Notification.read_at.is_(None))


def _is_subscribed(user: User) -> bool:
    return _count(owned_by(user, Subscription).where(Subscription.is_current)) > 0


def _count(query: sa.Select[Any]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
