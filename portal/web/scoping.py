"""Whose rows a person may see: the only way in which pages and API query. Reads nothing by itself; decides
nothing but the WHERE."""

from typing import Any, TypeVar

import sqlalchemy as sa

from portal.db import Base, db
from portal.errors import NotFoundError
from portal.models import (
    ApiToken,
    Execution,
    ExecutionAnalytics,
    ExecutionConnection,
    ExecutionLog,
    ExecutionPosition,
    ForeignHolding,
    Notification,
    NotificationChannel,
    Signal,
    Subscription,
    TradingPreset,
    User,
)

Row = TypeVar("Row", bound=Base)

_WITH_OWNER_ID: tuple[type[Base], ...] = (
    Execution,
    ExecutionPosition,
    ExecutionLog,
    ExecutionAnalytics,
    ForeignHolding,
)


def owned_by(user: User, model: type[Row]) -> sa.Select[Row]:
    """The rows of `model` that belong to `user`, administrator or not. Raises TypeError for a model that has
    no owner: such rows have no place on a person's page."""
    return sa.select(model).where(_is_owner(user, model))


def visible_to(user: User, model: type[Row]) -> sa.Select[Row]:
    """What the API shows: everything to an administrator, their own rows to everybody else."""
    return sa.select(model) if user.is_admin else owned_by(user, model)


def one(query: sa.Select[Row], model: type[Row], row_id: int) -> Row:
    """The row with that id among those of `query`. Raises NotFoundError, the same for a row that does not
    exist and for one that is somebody else's."""
    found = db.session.scalars(query.where(_column(model, "id") == row_id)).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no {_NOUNS.get(model, 'row')} {row_id}. Nothing was changed.")
    return found


_NOUNS: dict[type[Base], str] = {
    ApiToken: "API token",
    Execution: "execution",
    ExecutionConnection: "connection",
    ExecutionPosition: "position",
    Notification: "notification",
    NotificationChannel: "channel",
    Signal: "signal",
    TradingPreset: "preset",
}


def _is_owner(user: User, model: type[Base]) -> sa.ColumnElement[bool]:
    if model is ExecutionConnection:
        owner = sa.case(
            (ExecutionConnection.is_admin_owned, ExecutionConnection.admin_id),
            else_=ExecutionConnection.user_id,
        )
        return owner == user.id
    if model is Notification:
        mine = Notification.user_id == user.id
        # Without a user it is for every administrator.
        return sa.or_(mine, Notification.user_id.is_(None)) if user.is_admin else mine
    if model is Signal:
        return sa.exists().where(Execution.signal_id == Signal.id, Execution.owner_id == user.id)
    if model is NotificationChannel:
        return NotificationChannel.user_id == user.id
    if model is TradingPreset:
        return TradingPreset.owner_id == user.id
    if model is ApiToken:
        return ApiToken.user_id == user.id
    if model is Subscription:
        return Subscription.user_id == user.id
    if model in _WITH_OWNER_ID:
        owned: sa.ColumnElement[bool] = _column(model, "owner_id") == user.id
        return owned
    raise TypeError(f"{model.__name__} has no owner and cannot be shown to one")


def _column(model: type[Base], name: str) -> Any:
    return getattr(model, name)
