"""A person with one row in every table that can belong to somebody, and a canary in every text of them."""

import json
import uuid
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from portal.db import UTCDateTime, db, utcnow
from portal.models import TradingPreset, User
from portal.trading.types import Visibility
from tests import world

#: A deleted or new kind of row: what `<row_id:NAME>` in an address stands for.
TABLES = {
    "signal_id": "signals", "connection_id": "execution_connections", "execution_id": "executions",
    "position_id": "execution_positions", "notification_id": "notifications", "token_id": "api_tokens",
    "user_id": "users", "preset_id": "trading_presets", "session_id": "user_sessions",
    "channel_id": "notification_channels", "passkey_id": "passkeys", "invitation_id": "invitations",
    "subscription_id": "subscriptions", "plan_id": "plans", "data_connection_id": "data_connections",
    "order_id": "orders", "log_id": "execution_logs", "wish_id": "close_wishes",
}  # fmt: skip
#: Columns whose text has a meaning of its own.
_LEFT_ALONE = frozenset({"hash", "uid", "credentials"})


def settle(user: User, author: User, canary: str) -> dict[str, int]:
    """Give `user` rows everywhere and return their ids by the names that addresses use."""
    preset = world.save(
        TradingPreset(name=f"{canary} preset", owner_id=user.id, visibility=Visibility.PRIVATE)
    )
    connection = world.make_connection(
        user, f"{canary} account", preset_id=preset.id, last_error=f"{canary} failed"
    )
    signal = world.make_signal(author)
    execution = world.make_execution(signal, connection, message=f"{canary} was placed")
    world.make_order(execution)
    world.make_log(execution, message=f"{canary} was sent")
    world.make_position(connection, execution_id=execution.id, protection_note=f"{canary} rests")
    world.make_notification(user, f"{canary} news", body=f"{canary} happened")
    world.make_plan(f"plan of {canary}", user)
    for table in db.metadata.sorted_tables:
        if _owner_column(table) is not None and _row_of(table, user) is None:
            _add_row(table, user, canary)
    db.session.commit()
    return ids_of(user, signal.id)


def owned_tables() -> list[sa.Table]:
    """Tables whose rows can belong to a person."""
    return [table for table in db.metadata.sorted_tables if _owner_column(table) is not None]


def _owner_column(table: sa.Table) -> sa.Column[Any] | None:
    if table.name in {"users_roles", "audit_entries"} or "id" not in table.c:
        return None
    return next((table.c[name] for name in ("owner_id", "user_id") if name in table.c), None)


def _row_of(table: sa.Table, user: User) -> int | None:
    column = _owner_column(table)
    assert column is not None
    return db.session.scalar(sa.select(table.c.id).where(column == user.id).order_by(table.c.id))


def ids_of(user: User, signal_id: int) -> dict[str, int]:
    """What `<row_id:NAME>` means for `user`: a row of theirs where there can be one, else the newest."""
    tables = {table.name: table for table in db.metadata.sorted_tables}
    found = {"signal_id": signal_id, "user_id": user.id}
    for name, table_name in TABLES.items():
        if name not in found and table_name in tables:
            table = tables[table_name]
            mine = _row_of(table, user) if _owner_column(table) is not None else None
            newest = db.session.scalar(sa.select(sa.func.max(table.c.id)))
            found[name] = mine or newest or 1
    return found


def _add_row(table: sa.Table, user: User, canary: str) -> None:
    """A row for a table that nobody here knows: something that fits in every column that needs it."""
    values: dict[str, Any] = {}
    owner = _owner_column(table)
    for column in table.columns:
        if column is owner:
            values[column.name] = user.id
        elif column.foreign_keys and not column.nullable:
            values[column.name] = db.session.scalar(
                sa.select(sa.func.max(next(iter(column.foreign_keys)).column))
            )
        elif not column.primary_key and not column.foreign_keys and column.name not in _LEFT_ALONE:
            values[column.name] = _something(column, canary)
        elif column.name == "uid":
            values[column.name] = uuid.uuid4().hex
    db.session.execute(sa.insert(table).values(values))


def _something(column: sa.Column[Any], canary: str) -> Any:
    kind = column.type
    if column.name.endswith(("ended_at", "revoked_at", "accepted_at", "withdrawn_at")):
        return None
    match kind:
        case UTCDateTime():
            return utcnow() + timedelta(hours=1) if column.name == "expires_at" else utcnow()
        case sa.Enum():
            return kind.enums[0]
        case sa.Boolean():
            return True
        case sa.Integer() | sa.Numeric():
            return 1
        case sa.Date():
            return date(2026, 1, 1)
        case sa.Time():
            return time(1)
        case sa.LargeBinary():
            return f"{canary} {uuid.uuid4().hex}".encode()
        case ARRAY() if column.name == "transports":
            return ["usb"]
        case ARRAY():
            return [f"{canary} {column.name}"]
        case JSONB():
            return {}
    return f"{canary} {column.name} {uuid.uuid4().hex}"


def state(*, without: Mapping[str, frozenset[str]] | None = None) -> dict[str, Any]:
    """Every row of every table as text, without the named columns of the named tables."""
    left_out = without or {}
    db.session.rollback()
    found = {}
    for table in db.metadata.sorted_tables:
        columns = [column for column in table.columns if column.name not in left_out.get(table.name, ())]
        rows = db.session.execute(sa.select(*columns).order_by(*table.primary_key.columns)).all()
        found[table.name] = [json.dumps(list(row), default=str) for row in rows]
    db.session.rollback()
    return found
