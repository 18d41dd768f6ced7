"""F41, F44, F47 and F48: keys that stop working, orders that end early, rules that change, exchanges that are
gone. What the exchange has accepted and what it was asked is counted there."""

import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.db import db, end_read
from portal.exchanges.ccxt_markets import _REGISTRY, MIN_AGE_SECONDS
from portal.models import AuditEntry, ExecutionConnection, ExecutionLog, Notification, TradingPreset
from portal.services import books, connections, health_checks_data, monitor, positions, venues
from portal.trading.pnl import build_book
from portal.trading.types import (
    ConnectionStatus,
    ExecutionStatus,
    OrderState,
    PositionSide,
    PositionStatus,
    Side,
)
from tests.services.desk import Desk
from tests.services.protected import VENUES
from tests.trading import oracle_book
from tests.trading.factories import fill, spot


def fixed(desk: Desk, venue: str, size: str = "0.01", **values: Any) -> TradingPreset:
    return desk.preset(market_type=VENUES[venue], sizing_mode="fixed", sizing_value=Decimal(size), **values)


def row_of(key: int) -> ExecutionConnection:
    return db.session.get_one(ExecutionConnection, key, populate_existing=True)


def everything_written() -> str:
    """All that people may read about it."""
    parts: list[object] = []
    for column in (
        Notification.title,
        Notification.body,
        ExecutionLog.message,
        ExecutionLog.data,
        AuditEntry.data,
    ):
        parts += db.session.execute(sa.select(column)).scalars()
    parts += db.session.execute(sa.select(ExecutionConnection.last_error)).scalars()
    end_read()
    return json.dumps(parts, default=str)


def sent_orders(desk: Desk) -> int:
    return int(desk.sandbox.requests()["by_endpoint"].get("order", 0))


@pytest.mark.parametrize("change", [{"enabled": False}, {"can_trade": False}])
def test_f41_key_that_stops_working_stops_its_connection_in_one_cycle(
    desk: Desk, venue: str, change: dict[str, bool]
) -> None:
    keys = desk.account("alpha", exchange=venue, preset=fixed(desk, venue)).get_credentials()
    key = desk.account("beta", exchange=venue, preset=fixed(desk, venue)).id
    alpha = next(
        each.id for each in db.session.execute(sa.select(ExecutionConnection)).scalars() if each.id != key
    )
    waiting, _ = desk.publish()
    desk.sandbox.update_account("alpha", **change)

    connections.test_connection(alpha)

    stopped = row_of(alpha)
    assert stopped.status is ConnectionStatus.ERROR
    assert stopped.last_error
    titles = list(db.session.execute(sa.select(Notification.title)).scalars())
    assert titles == ["alpha does not work"]
    before = sent_orders(desk)
    desk.run(waiting)
    desk.publish(currency_pair="ETH/USDT")
    desk.run_all()
    desk.sweep()
    assert desk.accepted("alpha") == 0
    assert desk.accepted("beta") == 2
    assert sent_orders(desk) == before + 2, "not one order call more for the stopped key"
    assert desk.executions()[0].code == "CONNECTION_IN_ERROR"
    written = everything_written()
    assert not any(secret in written for secret in keys.values())


def test_f41_key_that_is_revoked_while_an_order_goes_out_stops_everything_after_it(
    desk: Desk, venue: str
) -> None:
    connection = desk.account(exchange=venue, preset=fixed(desk, venue))
    key, keys = connection.id, connection.get_credentials()
    first, *_ = desk.publish()
    desk.publish(currency_pair="ETH/USDT")
    desk.publish(currency_pair="BNB/USDT")
    desk.sandbox.update_account("alpha", can_trade=False)
    assert desk.run(first).status is ExecutionStatus.REJECTED
    assert row_of(key).status is ConnectionStatus.ERROR
    desk.run_all()
    assert sent_orders(desk) == 1
    assert {each.code for each in desk.executions()[1:]} == {"CONNECTION_IN_ERROR"}
    titles = list(db.session.execute(sa.select(Notification.title)).scalars())
    assert sum("stopped: the exchange refused it" in title for title in titles) == 1
    assert not any(secret in everything_written() for secret in keys.values())


@pytest.mark.parametrize(
    ("fault", "terms", "filled"),
    [
        ({"kind": "cancelled_by_exchange", "fraction": "0.4"}, {}, "0.004"),
        ({"kind": "cancelled_by_exchange", "fraction": "0"}, {}, "0"),
        ({}, {"time_in_force": "IOC", "open_price": "45000", "order_type": "limit"}, "0"),
    ],
)
def test_f44_order_that_ends_early_keeps_exactly_what_it_was_filled(
    desk: Desk, venue: str, fault: dict[str, Any], terms: dict[str, Any], filled: str
) -> None:
    desk.account(exchange=venue, preset=fixed(desk, venue))
    desk.price("BTC/USDT", 50_000)
    if fault:
        desk.sandbox.add_fault(**fault, count=1)
    execution = desk.trade(**terms)
    desk.later(60)
    desk.resolve_due()
    order, (execution,) = desk.order(), desk.executions()
    assert order.state in (OrderState.CANCELED, OrderState.EXPIRED)
    assert order.filled_quantity == Decimal(filled)
    assert sum((each.quantity for each in desk.fills()), Decimal(0)) == Decimal(filled)
    assert len(desk.positions()) == (Decimal(filled) > 0)
    assert execution.code == (None if Decimal(filled) else "NOT_FILLED")
    assert desk.accepted() == 1
    assert books.verify() == []


def test_f44_position_is_the_sum_of_its_fills_in_ten_thousand_random_sequences() -> None:
    dice = random.Random(20_261_123)
    for _ in range(10_000):
        fills = [
            fill(
                number,
                dice.choice((Side.BUY, Side.BUY, Side.SELL)),
                Decimal(dice.randint(1, 10_000)) / 10_000,
                Decimal(dice.randint(1, 9_000_000)) / 100,
            )
            for number in range(dice.randint(1, 4))
        ]
        told = dice.choices(fills, k=3) + dice.sample(fills, len(fills))
        _, coins = oracle_book.cash_and_base(fills, "BTC", "USDT")
        assert build_book(told, spot(), PositionSide.LONG).quantity == coins


@pytest.fixture
def rules_at(desk: Desk) -> Iterator[Any]:
    """Changes the rules of BTC/USDT at the exchange, after ours were loaded `age` seconds ago."""
    touched: list[Any] = []

    def change(venue: str, age: float = MIN_AGE_SECONDS + 1, **rules: str) -> None:
        markets = _REGISTRY._known[venue, desk.sandbox.url]
        markets._loaded_at -= age
        markets._stale = False
        touched.append(markets)
        desk.sandbox.set_rules("BTCUSDT", **rules)
        desk.sandbox.reset_requests()

    yield change
    for markets in touched:
        markets._loaded_at = float("-inf")


def loads(desk: Desk) -> int:
    return int(desk.sandbox.requests()["by_endpoint"].get("exchangeInfo", 0))


def test_f47_order_that_breaks_a_changed_rule_is_sized_once_more_by_the_new_one(
    desk: Desk, venue: str, rules_at: Any
) -> None:
    desk.account(exchange=venue, preset=fixed(desk, venue, "0.016"))
    desk.price("BTC/USDT", 50_000)
    assert desk.trade().status is ExecutionStatus.FILLED
    rules_at(venue, lot_size="0.005")

    execution = desk.trade()
    assert execution.status is ExecutionStatus.PENDING
    assert "sized again" in (desk.orders()[1].error_message or "")
    desk.later(5)
    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert desk.orders()[-1].quantity == Decimal("0.015")
    assert loads(desk) == 1
    assert desk.accepted() == 2


def test_f47_order_that_is_refused_by_rules_we_cannot_see_is_not_repeated(
    desk: Desk, venue: str, rules_at: Any
) -> None:
    """Loaded a moment ago, or refused for what no table says: one refusal, no loop."""
    desk.account(exchange=venue, preset=fixed(desk, venue, "0.016"))
    desk.price("BTC/USDT", 50_000)
    desk.trade()
    rules_at(venue, age=0, lot_size="0.005")
    for _ in range(3):
        execution = desk.trade()
        assert execution.status is ExecutionStatus.REJECTED
        assert desk.run(execution).status is ExecutionStatus.REJECTED
    assert loads(desk) <= 1, "rules are read at most once a minute"
    assert (desk.accepted(), sent_orders(desk)) == (1, 3)


def test_f47_close_goes_by_the_rules_of_now_and_books_the_rest_as_dust(desk: Desk, rules_at: Any) -> None:
    desk.account(preset=fixed(desk, "sandbox", "0.016"))
    desk.price("BTC/USDT", 50_000)
    desk.trade()
    rules_at("sandbox", lot_size="0.005")
    positions.request_close(desk.position().id, actor=desk.admin)
    for _ in range(4):
        desk.later(120)
        desk.close_wanted()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    bought = sum(each.quantity for each in desk.fills() if each.side is Side.BUY)
    sold = sum(each.quantity for each in desk.fills() if each.side is Side.SELL)
    fee = sum(Decimal(fee["cost"]) for each in desk.fills() for fee in each.fees if fee["currency"] == "BTC")
    assert sold == Decimal("0.015")
    assert position.dust_quantity == bought - sold - fee
    assert books.verify() == []


def test_f48_connection_whose_exchange_left_ccxt_says_so_and_stops_nobody_else(
    app: Flask, desk: Desk
) -> None:
    gone = desk.account("alpha")
    fine = desk.account("beta", preset=fixed(desk, "sandbox"))
    gone_id, fine_id = gone.id, fine.id
    gone.exchange_name = "mtgox"
    db.session.commit()

    assert venues.warm() >= 1, "a start loads what it can"
    desk.publish(sl="40000")
    desk.run_all()
    first, second = desk.executions()
    assert (first.code, second.status) == ("EXCHANGE_UNKNOWN", ExecutionStatus.FILLED)
    assert "may have left ccxt" in (first.message or "")
    connections.check_connection(gone_id)
    connections.check_connection(fine_id)

    row = row_of(gone_id)
    assert row.get_health_status() == "error"
    assert "'mtgox' is not known to this installation" in (row.last_error or "")
    assert row_of(fine_id).get_health_status() == "healthy"
    assert [each.id for each in health_checks_data.check_connections(app.extensions["portal_settings"])][
        0
    ] == ("portal.E008")
    monitor.check_positions()
    desk.protect()
    assert len(desk.guards("beta")) == 1
    assert desk.accepted("beta") == 2
