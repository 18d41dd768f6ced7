"""What the tests of protection share: a position with its guards at the exchange, the owner's own hands, and
the verdict of the exchange at the end."""

from decimal import Decimal
from typing import Any

import ccxt
import sqlalchemy as sa

from portal.db import db, end_read
from portal.models import ExecutionConnection, ExecutionPosition, Notification
from portal.services import books, reconciliation
from portal.trading.types import ExecutionStatus, NotificationType, Protection
from tests.exchanges.sandbox.conftest import on_sandbox
from tests.services.desk import Desk

#: The two exchanges of the practice server, and what is traded there.
VENUES = {"sandbox": "spot", "sandboxusdm": "swap"}
DUST = Decimal("0.0001")


def account(
    desk: Desk, venue: str, preset: dict[str, Any] | None = None, **values: Any
) -> ExecutionConnection:
    """An account whose orders are of 1000 USDT, and BTC at 50 000 USDT."""
    rules = desk.sized(**{"market_type": VENUES[venue], **(preset or {})})
    made = desk.account(exchange=venue, preset=rules, **values)
    desk.price("BTC/USDT", 50_000)
    return made


def opened(desk: Desk, venue: str, preset: dict[str, Any] | None = None, **signal: Any) -> int:
    """A position of 1000 USDT at 50 000, without guards yet."""
    account(desk, venue, preset)
    execution = desk.trade(**signal)
    assert execution.status is ExecutionStatus.FILLED, execution.message
    return desk.position().id


def guarded(desk: Desk, venue: str, preset: dict[str, Any] | None = None, **signal: Any) -> int:
    """As `opened`, with its guards proved at the exchange."""
    position_id = opened(desk, venue, preset, **signal)
    desk.protect()
    assert desk.position().protection is Protection.NATIVE
    return position_id


def closable(position: ExecutionPosition) -> Decimal:
    return position.quantity - position.quantity % position.lot_size


def minute(desk: Desk) -> None:
    """What the periodic jobs do within a minute, and all jobs that they lead to."""
    desk.watch()
    connections = list(db.session.execute(sa.select(ExecutionConnection.id)).scalars())
    end_read()
    for each in connections:
        reconciliation.sync_connection(each)
    desk.sweep()
    desk.resolve_due()
    desk.protect()
    desk.close_wanted()
    desk.protect()


def by_hand(desk: Desk, venue: str) -> Any:
    """The owner at the exchange's own site: the same account, without Portico."""
    connection = db.session.execute(sa.select(ExecutionConnection)).scalar_one()
    kind = ccxt.binanceusdm if VENUES[venue] == "swap" else ccxt.binance
    client = kind(connection.get_credentials())
    client.urls["api"] = on_sandbox(client.urls["api"], desk.sandbox.url)
    return client


def take_off(desk: Desk, venue: str) -> int:
    """The owner cancels every guard by hand. Returns how many."""
    client, swap = by_hand(desk, venue), VENUES[venue] == "swap"
    found = desk.guards()
    for order in found:
        client.cancel_order(
            str(order.order_id), "BTC/USDT:USDT" if swap else "BTC/USDT", {"trigger": True} if swap else {}
        )
    end_read()
    return len(found)


def told(desk: Desk, kind: NotificationType) -> int:
    return db.session.execute(
        sa.select(sa.func.count()).select_from(Notification).where(Notification.type == kind)
    ).scalar_one()


def nothing_is_left(desk: Desk) -> None:
    """The exchange holds nothing of ours, nothing of ours rests there, and the books agree."""
    desk.protect()
    for account in {order.account for order in desk.sandbox.orders()}:
        assert abs(desk.held(account)) < DUST
    assert [order for order in desk.sandbox.orders() if order.status in ("NEW", "PARTIALLY_FILLED")] == []
    assert books.verify() == []


def closing_fills(desk: Desk, side: str = "SELL") -> list[dict[str, Any]]:
    return [fill for fill in desk.sandbox.fills() if fill["side"] == side]
