"""An administrator and a trader with browsers, and one row of every kind."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from flask import Flask

from portal.db import db, utcnow
from portal.models import (
    ApiToken,
    DataConnection,
    ExecutionAnalytics,
    ExecutionConnection,
    ExecutionPosition,
    Invitation,
    NotificationChannel,
    Plan,
    Signal,
    TradingPreset,
    TradingState,
    User,
)
from portal.services import audit
from portal.trading.types import TradingStateValue
from tests import world
from tests.visiting import Visitor, visit


@pytest.fixture
def admin(app: Flask) -> User:
    return world.make_user("admin@example.org", "admin", password="$argon2id$canary-hash")


@pytest.fixture
def trader(app: Flask) -> User:
    return world.make_user("alice@example.org", totp_seed="canary-totp")


@pytest.fixture
def visitor(app: Flask, admin: User) -> Visitor:
    """The administrator's browser."""
    return visit(app, admin)


@pytest.fixture
def trader_visitor(app: Flask, trader: User) -> Visitor:
    return visit(app, trader)


@pytest.fixture
def stranger(app: Flask) -> Visitor:
    return visit(app)


@dataclass(frozen=True)
class Panel:
    """One row of every kind; each has id 1."""

    signal: Signal
    connection: ExecutionConnection
    position: ExecutionPosition
    plan: Plan
    preset: TradingPreset


@pytest.fixture
def panel(app: Flask, admin: User, trader: User) -> Panel:
    preset = world.save(TradingPreset(name="Careful"))
    world.save(DataConnection(name="Prices", provider="binance"))
    connection = world.make_connection(trader, preset_id=preset.id)
    plan = world.make_plan("Gold", trader)
    signal = world.make_signal(admin, plans=[plan], open_price=Decimal(64000))
    execution = world.make_execution(signal, connection)
    world.make_order(execution)
    world.make_log(execution)
    position = world.make_position(connection, execution_id=execution.id)
    world.make_notification(trader)
    world.make_foreign(connection)
    told = NotificationChannel(
        user_id=trader.id, name="Phone", service="ntfy", shown_as="ntfys://ntfy.sh", types=["halt"]
    )
    told.set_credentials({"url": "ntfys://ntfy.sh/canary-address"})
    world.save(told)
    world.save(
        ExecutionAnalytics(
            connection_id=connection.id,
            connection_name=connection.name,
            date=utcnow().date(),
            currency="USDT",
        )
    )
    world.save(
        ApiToken(user_id=trader.id, token_hash="canary-token-hash", prefix="ptc_canary", scopes=["read"])
    )
    world.save(
        Invitation(
            email="dave@example.org", role="trader", token_hash="canary-invitation", expires_at=utcnow()
        )
    )
    world.save(TradingState(scope="exchange", key="kraken", state=TradingStateValue.REDUCING))
    audit.record(admin, "portal.plan.created", "plan", plan.id)
    db.session.commit()
    return Panel(signal, connection, position, plan, preset)
