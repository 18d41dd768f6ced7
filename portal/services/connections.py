"""Making, changing and removing connections. Testing them is `connections_health`; nothing here uses the
network."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from portal.db import db, transaction
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import (
    UNSETTLED,
    DataConnection,
    Execution,
    ExecutionConnection,
    ExecutionPosition,
    Order,
    TradingPreset,
    User,
)
from portal.models.order import LIVE
from portal.models.position import HELD
from portal.services import audit
from portal.services.connections_credentials import read_credentials
from portal.services.connections_fields import COMMON, boolean, check_options, read_connection, row_id
from portal.services.connections_health import check_connection, check_connections, test_connection
from portal.services.connections_learning import forget_key
from portal.services.connections_override import allow_withdrawals, refuse_withdrawals
from portal.services.connections_progress import ask_for_test
from portal.services.fanout import lock_publications
from portal.trading.fields import Reader, read_fields
from portal.trading.types import ConnectionStatus, Visibility

__all__ = [
    "allow_withdrawals",
    "check_connection",
    "check_connections",
    "create",
    "delete",
    "refuse_withdrawals",
    "request_test",
    "set_credentials",
    "test_connection",
    "update",
    "usable_presets",
]

_LINKS: Mapping[str, Reader] = {"preset_id": row_id, "data_connection_id": row_id, "is_active": boolean}
#: After these changes, what the last test learnt may not be true any more.
_LEARN_AGAIN = {"mode", "settings", "data_connection_id"}
_CREATE: Mapping[str, Reader] = {**_LINKS, "is_admin_owned": boolean}
_UPDATE: Mapping[str, Reader] = {**{name: COMMON[name] for name in ("name", "mode", "settings")}, **_LINKS}


def create(data: Mapping[str, object], *, owner: User, actor: audit.Actor) -> ExecutionConnection:
    """Store a new connection of `owner`, credentials encrypted, and ask for its first test.

    Commits. Raises ValidationError with a reason per field; nothing is stored then. Fields: name,
    exchange_name, type, mode, credentials, settings, preset_id, data_connection_id, is_active,
    is_admin_owned (administrators only).
    """
    errors: dict[str, str] = {}
    values = read_connection(data, _CREATE, errors)
    with transaction() as session:
        person = _lock_owner(owner.id)
        admin_owned = bool(values.pop("is_admin_owned", False))
        if admin_owned and not person.is_admin:
            errors["is_admin_owned"] = "needs an administrator as the owner"
        _check_links(values, person, errors)
        _check_name(values.get("name"), person.id, errors)
        if errors:
            raise ValidationError(errors)
        credentials = values.pop("credentials")
        owner_column = "admin_id" if admin_owned else "user_id"
        connection = ExecutionConnection(**values, **{owner_column: person.id}, is_admin_owned=admin_owned)
        connection.set_credentials(credentials)
        if values.get("is_active") is False:
            connection.status = ConnectionStatus.INACTIVE
        session.add(connection)
        session.flush()
        audit.record(
            actor, "portal.connection.created", "connection", connection.id,
            name=connection.name, exchange=connection.exchange_name, mode=connection.mode.value,
            owner_id=person.id,
        )  # fmt: skip
        ask_for_test(connection.id)
    return connection


def update(connection_id: int, data: Mapping[str, object], *, actor: audit.Actor) -> ExecutionConnection:
    """Change name, mode, settings, preset, data connection or the owner's switch; other fields are refused.

    Commits, under a row lock; may be repeated. Raises NotFoundError, ValidationError, and ConflictError
    when the mode would change while something is open.
    """
    errors: dict[str, str] = {}
    # An empty link removes it, and read_fields leaves out what is null.
    given = {name: "" if value is None and name in _LINKS else value for name, value in data.items()}
    values: dict[str, Any] = read_fields(given, _UPDATE, errors)
    with transaction() as session:
        connection = _lock(connection_id)
        owner = session.get(User, connection.owner_id) if connection.owner_id else None
        _check_links(values, owner, errors)
        check_options(connection.exchange_name, values, errors)
        if values.get("name", connection.name) != connection.name:
            _check_name(values["name"], connection.owner_id, errors)
        if errors:
            raise ValidationError(errors)
        if values.get("mode", connection.mode) is not connection.mode:
            _refuse_while_busy(connection, "its mode was not changed")
        changed = {name: value for name, value in values.items() if getattr(connection, name) != value}
        for name, value in changed.items():
            setattr(connection, name, value)
        if "is_active" in changed:
            _switch(connection)
        if "mode" in changed:
            connection.facts, connection.facts_at = {}, None  # on paper no key was asked about
        if changed.keys() & _LEARN_AGAIN:
            ask_for_test(connection.id)
        if changed:
            audit.record(
                actor, "portal.connection.updated", "connection", connection.id,
                **{name: str(value) for name, value in changed.items()},
            )  # fmt: skip
    return connection


def set_credentials(
    connection_id: int, values: Mapping[str, object], *, actor: audit.Actor
) -> ExecutionConnection:
    """Replace all credentials of a connection and ask for a test. What was stored before is never read; what
    was learnt of the old key, and an exception made for it, is forgotten.

    Commits, under a row lock; may be repeated. Raises NotFoundError and ValidationError.
    """
    with transaction():
        connection = _lock(connection_id)
        credentials, reason = read_credentials(values, connection.exchange_name)
        if reason is not None:
            raise ValidationError({"credentials": reason})
        connection.set_credentials(credentials)
        exception_ended = connection.withdrawal_override is not None
        forget_key(connection)
        audit.record(
            actor, "portal.connection.credentials_replaced", "connection", connection.id,
            names=sorted(credentials), withdrawal_exception_ended=exception_ended,
        )  # fmt: skip
        ask_for_test(connection.id)
    return connection


def request_test(connection_id: int, *, actor: audit.Actor) -> None:
    """Ask a worker to test the connection. Commits; may be repeated. Raises NotFoundError."""
    with transaction() as session:
        if session.get(ExecutionConnection, connection_id) is None:
            raise _unknown(connection_id)
        audit.record(actor, "portal.connection.test_requested", "connection", connection_id)
        ask_for_test(connection_id)


def delete(connection_id: int, *, actor: audit.Actor) -> None:
    """Remove a connection and its credentials; executions, orders, positions and logs stay.

    Commits, under a row lock, between publications. Raises NotFoundError, and ConflictError while positions,
    orders or executions are open.
    """
    with transaction() as session:
        lock_publications(session())
        connection = _lock(connection_id)
        _refuse_while_busy(connection, "it was not deleted")
        audit.record(
            actor, "portal.connection.deleted", "connection", connection.id,
            name=connection.name, exchange=connection.exchange_name, owner_id=connection.owner_id,
        )  # fmt: skip
        session.delete(connection)


def usable_presets(owner: User | None) -> sa.Select[TradingPreset]:
    """The presets that connections of `owner` may use: their own, the installation's and public ones."""
    mine = TradingPreset.owner_id == owner.id if owner is not None else sa.false()
    return sa.select(TradingPreset).where(
        sa.or_(mine, TradingPreset.owner_id.is_(None), TradingPreset.visibility == Visibility.PUBLIC)
    )


def _lock(connection_id: int) -> ExecutionConnection:
    connection = db.session.get(
        ExecutionConnection,
        connection_id,
        with_for_update={"of": ExecutionConnection},
        populate_existing=True,
    )
    if connection is None:
        raise _unknown(connection_id)
    return connection


def _lock_owner(user_id: int) -> User:
    # Names are unique per owner; whoever adds a connection to one waits here for the others.
    owner = db.session.get(User, user_id, with_for_update={"of": User, "key_share": True})
    if owner is None or not owner.active:
        raise NotFoundError(f"There is no active user {user_id}; no connection was made.")
    return owner


def _unknown(connection_id: int) -> NotFoundError:
    return NotFoundError(f"There is no connection {connection_id}; nothing was changed.")


def _check_links(values: dict[str, Any], owner: User | None, errors: dict[str, str]) -> None:
    preset_id, data_id = values.get("preset_id"), values.get("data_connection_id")
    if preset_id is not None:
        usable = usable_presets(owner).where(TradingPreset.id == preset_id)
        if db.session.execute(usable).scalar_one_or_none() is None:
            errors["preset_id"] = f"there is no preset {preset_id} that this connection may use"
    if data_id is not None:
        source = db.session.get(DataConnection, data_id)
        if source is None or source.user_id not in (None, owner.id if owner else None):
            errors["data_connection_id"] = (
                f"there is no data connection {data_id} that this connection may use"
            )


def _check_name(name: str | None, owner_id: int | None, errors: dict[str, str]) -> None:
    owned = sa.or_(ExecutionConnection.user_id == owner_id, ExecutionConnection.admin_id == owner_id)
    taken = sa.select(ExecutionConnection.id).where(owned, ExecutionConnection.name == name).limit(1)
    if name is not None and db.session.execute(taken).first() is not None:
        errors["name"] = f"{name!r} is the name of another connection of the same owner"


def _switch(connection: ExecutionConnection) -> None:
    if not connection.is_active:
        connection.status = ConnectionStatus.INACTIVE
    elif connection.status is ConnectionStatus.INACTIVE:
        healthy = connection.last_error is None
        connection.status = ConnectionStatus.ACTIVE if healthy else ConnectionStatus.ERROR
        ask_for_test(connection.id)


def _refuse_while_busy(connection: ExecutionConnection, not_done: str) -> None:
    live = (
        sa.exists().where(
            ExecutionPosition.connection_id == connection.id,
            ExecutionPosition.status.in_(HELD),
        ),
        sa.exists().where(Order.connection_id == connection.id, Order.state.in_(LIVE)),
        sa.exists().where(Execution.connection_id == connection.id, Execution.status.in_(UNSETTLED)),
    )
    if db.session.execute(sa.select(sa.or_(*live))).scalar_one():
        raise ConflictError(
            f"{connection.name} has open positions, orders or executions; {not_done}. "
            "Switch it off, close what is open, and try again."
        )
