"""One hanging venue, one bad row, one delisted market: the stops of all others are served in the same check.
Counted at the exchange."""

import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read, transaction
from portal.exchanges.sandbox.server import SandboxServer
from portal.models import ExecutionPosition, MarketDoubt, PriceAlarm
from portal.services import closing, monitor, price_reading
from portal.trading.price_sanity import Doubt
from portal.trading.types import ClosedReason, NotificationType, PositionStatus
from tests.services.desk import Desk
from tests.services.protected import told
from tests.services.venue_classes import MARKETS, VenueClass, checked_ago, set_up


@pytest.fixture
def local(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Both markets of the practice exchange, with stops that are Portico's to carry out."""
    spot, swap = VenueClass("sandbox", "local"), VenueClass("sandboxusdm", "local")
    with set_up(desk, spot, monkeypatch), set_up(desk, swap, monkeypatch):
        yield desk


@pytest.fixture
def slow_server(app: Flask, local: Desk) -> Iterator[SandboxServer]:
    """The derivatives of the practice exchange on a server of their own, which can hang alone."""
    with SandboxServer(seed=8) as server:
        settings = app.extensions["portal_settings"]
        urls = {**settings.exchange_urls, "sandboxusdm": server.url}
        app.extensions["portal_settings"] = replace(settings, exchange_urls=urls)
        yield server
        app.extensions["portal_settings"] = settings
        # The thread that hangs must not outlive the server.
        server.control.reset()
        for thread in list(price_reading._busy.values()):
            thread.join(20)


def holding(desk: Desk, name: str, exchange: str, **signal: object) -> int:
    rules = desk.sized(500, market_type=MARKETS[exchange])
    desk.account(name, exchange=exchange, preset=rules)
    desk.price("BTC/USDT", 50_000)
    for execution in desk.publish(market_type=MARKETS[exchange], **signal):
        if execution.connection_name == name:
            desk.run(execution)
    return desk.positions()[-1].id


def test_hanging_venue_does_not_delay_the_stop_of_another(
    local: Desk, slow_server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_reading, "VENUE_SECONDS", 4.0)
    holding(local, "fast", "sandbox", sl="49000")
    with transaction() as session:
        # A second position, at the venue that will hang; sorted before the other.
        row = session.get_one(ExecutionPosition, local.position().id)
        values = {
            column.key: getattr(row, column.key)
            for column in sa.inspect(ExecutionPosition).columns
            if column.key not in ("id", "execution_id")
        }
        session.add(
            ExecutionPosition(**{**values, "exchange_name": "sandboxusdm", "symbol": "BTC/USDT:USDT"})
        )
    monitor.check_positions()  # opens both clients
    local.price("BTC/USDT", 48_000)
    slow_server.control.set_latency(12, "ticker")
    began, closed = time.monotonic(), []
    act = monitor._check_venue

    def noting(exchange_name: str, *args: object) -> None:
        act(exchange_name, *args)  # type: ignore[arg-type]
        closed.append((exchange_name, time.monotonic() - began))

    monkeypatch.setattr(monitor, "_check_venue", noting)
    end_read()
    checked = monitor.check_positions()
    local.close_wanted()
    assert [name for name, _ in closed] == ["sandbox"]
    assert closed[0][1] < 3, "it was served while the other hung"
    assert checked.failed_venues == 1
    fast, slow = local.positions()
    assert fast.closed_reason is ClosedReason.STOP_LOSS
    assert slow.status is PositionStatus.OPEN
    assert local.sent() == 2
    # The next check does not ask the hanging venue once more.
    again = time.monotonic()
    monitor.check_positions()
    assert time.monotonic() - again < 3
    doubt = db.session.execute(sa.select(MarketDoubt)).scalar_one()
    assert (doubt.exchange_name, doubt.doubt) == ("sandboxusdm", Doubt.UNREAD)
    end_read()


@pytest.mark.parametrize(
    "corrupt",
    [
        {"tp_prices": [{"nonsense": 1}]},
        {"tp_prices": [{"price": "x", "close_fraction": "1", "done": False}]},
        {"tp_prices": {"price": "1"}},
        {"tp_prices": [7]},
        {"lot_size": Decimal(0)},
        {"quantity": Decimal(10) ** 19, "contract_size": Decimal(10) ** 19},
        {"average_entry_price": Decimal(0), "linear": False},
    ],
)
def test_bad_row_does_not_delay_the_stop_of_another(local: Desk, corrupt: dict[str, object]) -> None:
    first = holding(local, "bad", "sandbox", sl="49000", tp="60000")
    second = holding(local, "good", "sandbox", sl="49000")
    with transaction() as session:
        session.execute(
            sa.update(ExecutionPosition)
            .where(ExecutionPosition.id == first)
            .values(**corrupt, break_even_at_r=1)
        )
    local.price("BTC/USDT", 48_000)
    end_read()
    monitor.check_positions()
    wanted = db.session.get_one(ExecutionPosition, second, populate_existing=True).close_reason
    assert wanted is ClosedReason.STOP_LOSS
    end_read()
    closing.run_close(second)  # each close is a job of its own
    assert (
        db.session.get_one(ExecutionPosition, second, populate_existing=True).status is PositionStatus.CLOSED
    )
    assert [order.side for order in local.sandbox.orders(account="good")] == ["BUY", "SELL"]
    end_read()


def test_delisted_market_with_an_open_position_is_told_once_and_harms_no_other(local: Desk) -> None:
    gone = holding(local, "gone", "sandbox", sl="49000")
    other = holding(local, "other", "sandbox", sl="49000")
    with transaction() as session:
        session.get_one(ExecutionPosition, gone).symbol = "GONE/USDT"
    local.price("BTC/USDT", 48_000)
    for _ in range(5):
        local.watch()
        checked_ago(70)
    position = db.session.get_one(ExecutionPosition, gone, populate_existing=True)
    assert position.status is PositionStatus.OPEN
    assert db.session.get_one(ExecutionPosition, other).closed_reason is ClosedReason.STOP_LOSS
    doubt = db.session.execute(sa.select(MarketDoubt)).scalar_one()
    assert (doubt.symbol, doubt.doubt) == ("GONE/USDT", Doubt.NOT_LISTED)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(PriceAlarm)) == 1
    end_read()
    assert told(local, NotificationType.ERROR) == 1
