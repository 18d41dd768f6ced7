"""One row of every kind, as the portal itself would write it: what `page_rows.py` makes copies of."""

import uuid
from datetime import timedelta
from decimal import Decimal

from portal.db import db, utcnow
from portal.models import (
    Execution,
    ExecutionAnalytics,
    ExecutionConnection,
    ExecutionLog,
    ExecutionPosition,
    Notification,
    Order,
    Signal,
    TradingPreset,
    User,
)
from portal.trading import types


def templates(owner: User) -> None:
    """A trade of `owner` from the signal to the figures of the day. Commits."""
    db.session.add(User(email="template@example.com", fs_uniquifier=uuid.uuid4().hex))
    db.session.add(TradingPreset(name="template"))
    connection = ExecutionConnection(name="template", exchange_name="sandbox", user_id=owner.id)
    connection.set_credentials({"apiKey": "nothing", "secret": "nothing"})
    # A draft: publishing it would write executions by itself.
    signal = Signal(currency_pair="BTC/USDT", direction=types.Side.BUY)
    db.session.add_all([connection, signal])
    db.session.flush()
    execution = Execution(
        signal_id=signal.id, connection_id=connection.id, owner_id=owner.id, connection_name="template",
        currency_pair="BTC/USDT", lane="BTC/USDT", direction=types.Side.BUY, action=types.SignalAction.OPEN,
        sequence=1, status=types.ExecutionStatus.FILLED, message="0.01 BTC bought at 60,000.",
    )  # fmt: skip
    db.session.add(execution)
    db.session.flush()
    position = _position(execution)
    db.session.add(position)
    db.session.flush()
    db.session.add_all([
        _order(execution, position),
        ExecutionLog(
            connection_id=connection.id, owner_id=owner.id, execution_id=execution.id, event="placed",
            message="Bought 0.01 BTC at the market.", duration_ms=80, data={"exchange_order_id": "4711"},
        ),
        Notification(user_id=owner.id, type=types.NotificationType.EXECUTION, title="Order filled"),
        ExecutionAnalytics(
            connection_id=connection.id, owner_id=owner.id, connection_name="template", date=utcnow().date(),
            currency="USDT", equity=Decimal(1000), trades=5, wins=3, losses=2, realized_pnl=Decimal(7),
        ),
    ])  # fmt: skip
    db.session.commit()


def _position(execution: Execution) -> ExecutionPosition:
    return ExecutionPosition(
        execution_id=execution.id, connection_id=execution.connection_id, owner_id=execution.owner_id,
        connection_name="template", exchange_name="sandbox", currency_pair="BTC/USDT", symbol="BTC/USDT",
        market_type=types.MarketType.SPOT, position_side=types.PositionSide.LONG, base="BTC", quote="USDT",
        settle="USDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"), quantity=Decimal("0.01"),
        entry_quantity=Decimal("0.01"), opened_at=utcnow(), average_entry_price=Decimal(60000),
        mark_price=Decimal(60100), marked_at=utcnow(), unrealized_pnl=Decimal(1),
        protection=types.Protection.NATIVE,
    )  # fmt: skip


def _order(execution: Execution, position: ExecutionPosition) -> Order:
    now = utcnow()
    return Order(
        execution_id=execution.id, position_id=position.id, connection_id=execution.connection_id,
        role=types.OrderRole.ENTRY, symbol="BTC/USDT", side=types.Side.BUY,
        position_side=types.PositionSide.LONG, order_type=types.OrderType.MARKET,
        time_in_force=types.TimeInForce.STANDARD, quantity=Decimal("0.01"), filled_quantity=Decimal("0.01"),
        average_price=Decimal(60000), reference_price=Decimal(59990), state=types.OrderState.FILLED,
        payload={}, sent_at=now, not_after=now + timedelta(seconds=5), fills_complete=True, closed_at=now,
        intent_key=uuid.uuid4().hex, client_order_id=uuid.uuid4().hex,
    )  # fmt: skip
