"""Paper connections from the signal to the books: real prices (of the practice exchange here), no key, no
order anywhere but in the paper ledger."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read
from portal.models import (
    DataConnection,
    ExecutionConnection,
    Notification,
    PaperAccountRow,
    PaperBalanceRow,
    PaperOrderRow,
    PaperPositionRow,
)
from portal.services import books, connections, positions, reconciliation, venues
from portal.trading.types import (
    ClosedReason,
    ConnectionMode,
    ExecutionStatus,
    OrderState,
    PositionStatus,
    Protection,
)
from tests.services.desk import Desk
from tests.world import save

FAST = {"paper_latency_ms": 0}


@pytest.fixture
def floor(desk: Desk, app: Flask) -> Iterator[Desk]:
    """The desk, with Binance's public data served by the practice exchange."""
    settings = app.extensions["portal_settings"]
    urls = {**settings.exchange_urls, "binance": desk.sandbox.url, "binanceusdm": desk.sandbox.url}
    app.extensions["portal_settings"] = replace(settings, exchange_urls=urls, live_trading=False)
    desk.price("BTC/USDT", 50_000)
    yield desk
    assert desk.accepted() == 0, "a paper connection sent an order"


def paper(desk: Desk, exchange: str = "binance", *, name: str = "paper", **values: Any) -> int:
    """A paper connection without any credentials; its id."""
    settings = {**FAST, **values.pop("settings", {})}
    row = ExecutionConnection(
        name=name, exchange_name=exchange, mode=ConnectionMode.PAPER, settings=settings,
        is_admin_owned=True, admin_id=desk.admin_id, **values,
    )  # fmt: skip
    return save(row).id


def rows(model: Any) -> list[Any]:
    found = list(db.session.execute(sa.select(model).order_by(model.id)).scalars())
    db.session.expunge_all()
    db.session.rollback()
    return found


def balance(currency: str = "USDT") -> Decimal:
    return next(row.total for row in rows(PaperBalanceRow) if row.currency == currency)


def follow(desk: Desk) -> None:
    """The minute's job for every connection with something resting."""
    for row in rows(ExecutionConnection):
        reconciliation.sync_connection(row.id)


@pytest.mark.parametrize(("exchange", "market"), [("binance", "spot"), ("binanceusdm", "swap")])
def test_signal_on_a_paper_account_is_filled_stopped_out_and_the_books_balance(
    floor: Desk, exchange: str, market: str
) -> None:
    paper(floor, exchange, preset=floor.sized(market_type=market))
    execution = floor.trade(sl="49000", tp="55000")
    assert execution.status is ExecutionStatus.FILLED, execution.message
    position = floor.position()
    assert position.average_entry_price is not None
    assert position.average_entry_price > 50_000
    assert position.fees > 0
    floor.price("BTC/USDT", 48_500)
    floor.watch()
    position = floor.position()
    assert (position.status, position.close_reason or position.closed_reason) == (
        PositionStatus.CLOSED,
        ClosedReason.STOP_LOSS,
    )
    assert books.verify() == []
    assert [order.state for order in floor.orders()] == [OrderState.FILLED, OrderState.FILLED]
    left = position.dust_quantity * 50_000
    assert abs(balance() - 10_000 - position.realized_pnl) <= left + Decimal("0.000001")
    assert all(row.quantity == 0 for row in rows(PaperPositionRow))


@pytest.mark.parametrize(("exchange", "market"), [("binance", "spot"), ("binanceusdm", "swap")])
def test_stop_on_a_paper_account_rests_in_its_ledger_and_fires_there(
    floor: Desk, exchange: str, market: str
) -> None:
    paper(floor, exchange, preset=floor.sized(market_type=market))
    floor.trade(sl="49000", tp="55000")
    floor.protect()
    assert floor.position().protection is Protection.NATIVE
    assert [row.trigger_price for row in rows(PaperOrderRow)] == [None, 49_000]
    floor.price("BTC/USDT", 48_500)
    follow(floor)
    assert floor.position().closed_reason is ClosedReason.STOP_LOSS
    assert len(rows(PaperOrderRow)) == 2
    assert books.verify() == []


def test_limit_entry_on_a_paper_account_waits_and_is_filled_by_the_minute_job(floor: Desk) -> None:
    paper(floor, preset=floor.sized())
    assert floor.trade(order_type="limit", open_price="49500").status is ExecutionStatus.OPEN
    follow(floor)
    assert floor.positions() == []
    floor.price("BTC/USDT", 49_400)
    follow(floor)
    (execution,) = floor.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert floor.position().average_entry_price == 49_500
    assert books.verify() == []


def test_stop_entry_on_a_paper_account_triggers(floor: Desk) -> None:
    paper(floor, preset=floor.sized())
    assert floor.trade(order_type="stop", open_price="50500").status is ExecutionStatus.OPEN
    floor.price("BTC/USDT", 50_600)
    follow(floor)
    assert floor.position().quantity > 0
    assert books.verify() == []


def test_partial_fills_of_a_paper_account_add_up(floor: Desk) -> None:
    paper(floor, preset=floor.sized(), settings={"paper_fill_fraction": "0.3"})
    execution = floor.trade()
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert len(floor.fills()) == 4
    assert floor.order().filled_quantity == floor.order().quantity
    positions.request_close(floor.position().id, actor=floor.admin)
    floor.close_wanted()
    assert floor.position().status is PositionStatus.CLOSED
    assert books.verify() == []


def test_paper_prices_come_from_the_data_connection_where_there_is_one(floor: Desk) -> None:
    source = save(DataConnection(name="prices", provider="sandbox"))
    paper(floor, "kraken", preset=floor.sized(), data_connection_id=source.id)
    assert floor.trade().status is ExecutionStatus.FILLED
    assert floor.position().exchange_name == "sandbox"


def test_order_beyond_the_paper_balance_is_denied_and_nothing_is_booked(floor: Desk) -> None:
    paper(floor, preset=floor.sized(50_000))
    assert floor.trade().code == "BALANCE_INSUFFICIENT"
    assert rows(PaperOrderRow) == []


def test_paper_connection_when_its_settings_were_spoilt_is_denied(floor: Desk) -> None:
    paper(floor, settings={"paper_latency_ms": "soon"})
    execution = floor.trade()
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "PAPER_MODE_UNAVAILABLE")
    assert "paper_latency_ms" in (execution.message or "")
    assert rows(PaperAccountRow) == []


def test_paper_connection_when_its_exchange_is_unknown_is_denied(floor: Desk) -> None:
    paper(floor, "bitmart")
    assert floor.trade().code == "EXCHANGE_UNKNOWN"
    assert rows(PaperAccountRow) == []


def test_paper_account_survives_a_restart(floor: Desk, app: Flask) -> None:
    key = paper(floor, preset=floor.sized())
    floor.trade(sl="49000")
    before = balance()
    assert before < 10_000
    venues.init_app(app, app.extensions["portal_settings"])
    connection = db.session.get_one(ExecutionConnection, key)
    with venues.exchange_for(connection) as exchange:
        assert exchange.account_facts().balances[-1].total == before
    floor.price("BTC/USDT", 48_500)
    floor.watch()
    assert floor.position().status is PositionStatus.CLOSED
    assert len(rows(PaperOrderRow)) == 2


def test_test_of_a_paper_connection_tells_balance_and_facts(floor: Desk) -> None:
    key = paper(floor, settings={"paper_balance": {"USDT": "2500"}})
    end_read()
    connections.test_connection(key)
    (row,) = rows(ExecutionConnection)
    assert row.can_execute_trades()
    assert (row.facts["can_trade"], row.facts["can_withdraw"]) == (True, False)
    assert row.last_balance == {"currency": "USDT", "free": "2500.000000000000000000",
                                "total": "2500.000000000000000000"}  # fmt: skip
    assert rows(Notification) == []


def test_credentials_of_a_paper_connection_are_never_decrypted(floor: Desk) -> None:
    key = paper(floor, preset=floor.sized())
    row = db.session.get_one(ExecutionConnection, key)
    row.credentials = "not a ciphertext of ours"
    db.session.commit()
    assert floor.trade().status is ExecutionStatus.FILLED


def test_live_connection_of_the_same_exchange_is_still_denied(floor: Desk) -> None:
    floor.account(exchange="binance", mode="live")
    assert floor.trade().code == "LIVE_TRADING_DISABLED"
    assert rows(PaperAccountRow) == []


def test_deleted_connection_leaves_its_paper_ledger_behind(floor: Desk) -> None:
    key = paper(floor, preset=floor.sized())
    floor.trade()
    positions.request_close(floor.position().id, actor=floor.admin)
    floor.close_wanted()
    end_read()
    connections.delete(key, actor="test")
    assert [row.connection_id for row in rows(PaperAccountRow)] == [None]
    assert len(rows(PaperOrderRow)) == 2
