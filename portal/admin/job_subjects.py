"""What the row ids of jobs name, in words and with a link: one query per kind, however many jobs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import url_for

from portal.db import db
from portal.jobs.kinds import About, kind_of
from portal.jobs.overview import Entry
from portal.models import (
    Execution,
    ExecutionConnection,
    ExecutionPosition,
    Notification,
    NotificationChannel,
    Order,
    OrderQuestion,
)


class Subject(NamedTuple):
    """What one job is about."""

    label: str
    url: str


def subjects(entries: Iterable[Entry]) -> Mapping[str, Subject]:
    """By job id. A job about a row that is gone is left out."""
    wanted: dict[About, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        about = kind_of(entry.name).about
        if about is not None and about in NAMED and entry.ids and _is_id(entry.ids[0]):
            wanted[about][entry.ids[0]].append(entry.job_id)
    found = {}
    for about, ids in wanted.items():
        query, view, name = NAMED[about]
        for row in db.session.execute(query(list(ids))).all():
            key, row_id, *words = tuple(row)
            subject = Subject(name.format(*words, id=row_id), url_for(f"{view}.details_view", id=row_id))
            found.update(dict.fromkeys(ids[key], subject))
    return found


def _is_id(number: int) -> bool:
    """Whether the database can have it; whoever writes into Redis can write any number."""
    return 0 < number < 2**31


_Query = Callable[[list[int]], Any]


def _rows(model: Any, *columns: Any) -> _Query:
    return lambda ids: sa.select(model.id, model.id, *columns).where(model.id.in_(ids))


def _orders(ids: list[int]) -> Any:
    name = sa.func.coalesce(ExecutionConnection.name, "a deleted account")
    return (
        sa.select(Order.id, Order.id, sa.cast(Order.role, sa.Text), Order.symbol, name)
        .outerjoin(ExecutionConnection, ExecutionConnection.id == Order.connection_id)
        .where(Order.id.in_(ids))
    )


def _questions(ids: list[int]) -> Any:
    return (
        sa.select(
            OrderQuestion.id, Order.id, sa.cast(Order.role, sa.Text), Order.symbol, sa.literal("an account")
        )
        .join(Order, Order.id == OrderQuestion.order_id)
        .where(OrderQuestion.id.in_(ids))
    )


_ORDER = "order {id}: {0} {1} on {2}"
#: Query, view and words of each.
NAMED: Mapping[About, tuple[_Query, str, str]] = {
    About.EXECUTION: (
        _rows(
            Execution,
            sa.func.coalesce(sa.cast(Execution.signal_id, sa.Text), "–"),
            sa.cast(Execution.direction, sa.Text),
            Execution.currency_pair,
            Execution.connection_name,
        ),
        "admin_executions",
        "signal {0}: {1} {2} on {3}",
    ),
    About.ORDER: (_orders, "admin_unresolved", _ORDER),
    About.QUESTION: (_questions, "admin_unresolved", _ORDER),
    About.POSITION: (
        _rows(
            ExecutionPosition,
            ExecutionPosition.currency_pair,
            sa.cast(ExecutionPosition.position_side, sa.Text),
            ExecutionPosition.connection_name,
        ),
        "admin_positions",
        "position {id}: {0} {1} on {2}",
    ),
    About.CONNECTION: (
        _rows(ExecutionConnection, ExecutionConnection.name, ExecutionConnection.exchange_name),
        "admin_connections",
        "{0} ({1})",
    ),
    About.NOTIFICATION: (_rows(Notification, Notification.title), "admin_notifications", "{0}"),
    About.CHANNEL: (_rows(NotificationChannel, NotificationChannel.name), "admin_channels", "{0}"),
}
