"""Rows for tests of pages and API: people, accounts, and what happened on them. Everything is committed."""

import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import sqlalchemy as sa

from portal.db import Base, db, utcnow
from portal.models import (
    ADMIN,
    TRADER,
    Execution,
    ExecutionConnection,
    ExecutionLog,
    ExecutionPosition,
    ForeignHolding,
    Notification,
    Order,
    Plan,
    Role,
    Signal,
    Subscription,
    User,
    publish_sequence,
)
from portal.trading.types import (
    ConnectionStatus,
    ExecutionStatus,
    ForeignKind,
    MarketType,
    NotificationType,
    OrderRole,
    OrderState,
    OrderType,
    PositionSide,
    Side,
    SignalAction,
    TimeInForce,
)

Row = TypeVar("Row", bound=Base)


def save(row: Row) -> Row:
    db.session.add(row)
    db.session.commit()
    return row


def make_user(email: str, role: str = TRADER, **values: Any) -> User:
    found = db.session.scalar(sa.select(Role).where(Role.name == role)) or Role(name=role)
    return save(User(email=email, fs_uniquifier=uuid.uuid4().hex, roles=[found], **values))


def make_admin(email: str = "admin@example.org") -> User:
    return make_user(email, ADMIN)


def make_connection(owner: User, name: str = "Main account", **values: Any) -> ExecutionConnection:
    admin_owned = owner.is_admin
    column = "admin_id" if admin_owned else "user_id"
    given = {"exchange_name": "sandbox", "status": ConnectionStatus.ACTIVE} | values
    connection = ExecutionConnection(name=name, is_admin_owned=admin_owned, **{column: owner.id}, **given)
    connection.set_credentials({"apiKey": "canary-api-key", "secret": "canary-api-secret"})
    return save(connection)


def make_plan(name: str, *subscribers: User) -> Plan:
    plan = save(Plan(name=name))
    for user in subscribers:
        save(Subscription(user_id=user.id, plan_id=plan.id, starts_at=utcnow() - timedelta(days=1)))
    return plan


def make_signal(author: User, **values: Any) -> Signal:
    """A draft: publishing it is what the tests do."""
    given = {"currency_pair": "BTC/USDT", "direction": Side.BUY} | values
    return save(Signal(author_id=author.id, **given))


def make_execution(signal: Signal, connection: ExecutionConnection, **values: Any) -> Execution:
    given = {"status": ExecutionStatus.FILLED, "action": SignalAction.OPEN} | values
    return save(
        Execution(
            signal_id=signal.id,
            connection_id=connection.id,
            owner_id=connection.owner_id,
            connection_name=connection.name,
            currency_pair=signal.currency_pair,
            lane=signal.currency_pair,
            direction=signal.direction,
            sequence=db.session.scalar(publish_sequence.next_value()),
            **given,
        )
    )


def make_order(execution: Execution, **values: Any) -> Order:
    key = uuid.uuid4().hex
    now = utcnow()
    given = {
        "role": OrderRole.ENTRY, "symbol": "BTC/USDT", "side": Side.BUY, "position_side": PositionSide.LONG,
        "order_type": OrderType.MARKET, "time_in_force": TimeInForce.STANDARD, "quantity": Decimal("0.5"),
        "state": OrderState.FILLED, "payload": {}, "sent_at": now, "not_after": now + timedelta(seconds=5),
        "intent_key": key, "client_order_id": key,
    } | values  # fmt: skip
    return save(Order(execution_id=execution.id, connection_id=execution.connection_id, **given))


def make_position(connection: ExecutionConnection, **values: Any) -> ExecutionPosition:
    given = {
        "connection_name": connection.name, "exchange_name": connection.exchange_name,
        "currency_pair": "BTC/USDT", "symbol": "BTC/USDT", "market_type": MarketType.SPOT,
        "position_side": PositionSide.LONG, "base": "BTC", "quote": "USDT", "settle": "USDT",
        "tick_size": Decimal("0.01"), "lot_size": Decimal("0.00001"),
        "quantity": Decimal("0.015"), "entry_quantity": Decimal("0.015"), "opened_at": utcnow(),
        "average_entry_price": Decimal("64000.5"), "mark_price": Decimal("64100"), "marked_at": utcnow(),
        "unrealized_pnl": Decimal("1.4925"), "sl_price": Decimal(63000),
        "tp_prices": [{"price": "66000", "close_fraction": "1", "done": False}],
    } | values  # fmt: skip
    return save(ExecutionPosition(connection_id=connection.id, owner_id=connection.owner_id, **given))


def make_notification(user: User | None, title: str = "Order filled", **values: Any) -> Notification:
    given = {"type": NotificationType.EXECUTION} | values
    return save(Notification(user_id=user.id if user else None, title=title, **given))


def make_log(
    execution: Execution, event: str = "placed", message: str = "Sent.", **values: Any
) -> ExecutionLog:
    return save(
        ExecutionLog(
            execution_id=execution.id,
            connection_id=execution.connection_id,
            owner_id=execution.owner_id,
            event=event,
            message=message,
            **values,
        )
    )


def count(model: type[Base]) -> int:
    """Rows of `model`, as the database has them now."""
    db.session.rollback()
    found = db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0
    db.session.rollback()
    return found


def make_foreign(connection: ExecutionConnection, **values: Any) -> ForeignHolding:
    """A position at the exchange that is not ours."""
    given: dict[str, Any] = {
        "connection_id": connection.id,
        "owner_id": connection.owner_id,
        "connection_name": connection.name,
        "kind": ForeignKind.POSITION,
        "symbol": "ETH/USDT:USDT",
        "side": Side.BUY,
        "quantity": Decimal("0.75"),
        "price": Decimal(2000),
        "first_seen_at": utcnow(),
        "last_seen_at": utcnow(),
        **values,
    }
    return save(ForeignHolding(**given))
