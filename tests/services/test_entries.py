"""Every kind of entry, and every reason to refuse one: nothing is sent when it is refused."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from portal.db import db, utcnow
from portal.models import ExecutionConnection
from portal.services import books, signals, trading_state
from portal.trading.types import (
    ExecutionStatus,
    OrderState,
    PositionMode,
    PositionStatus,
    TradingStateValue,
)
from tests.exchanges.sandbox.conftest import on_sandbox
from tests.services.desk import Desk


def test_limit_entry_when_the_price_comes_is_filled_and_opens_the_position(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade(order_type="limit", open_price="49500", sl="49000")
    assert execution.status is ExecutionStatus.OPEN
    assert desk.positions() == []
    desk.price("BTC/USDT", 49_400)
    desk.later(60)
    desk.resolve_due()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert desk.position().average_entry_price == 49_500
    assert desk.accepted() == 1
    assert books.verify() == []


def test_stop_entry_when_the_trigger_is_reached_opens_the_position(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade(order_type="stop", open_price="50500", sl="49000")
    assert execution.status is ExecutionStatus.OPEN, execution.message
    desk.price("BTC/USDT", 50_600)
    desk.later(60)
    desk.resolve_due()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.FILLED
    assert desk.position().quantity > 0
    assert desk.accepted() == 1


@pytest.mark.parametrize("exchange", ["sandbox", "sandboxusdm"])
def test_f44_ioc_when_only_part_is_there_keeps_the_part(desk: Desk, exchange: str) -> None:
    market = "swap" if exchange == "sandboxusdm" else "spot"
    desk.account(exchange=exchange, preset=desk.sized(market_type=market))
    desk.price("BTC/USDT", 50_000)
    desk.sandbox.add_fault("partial_fill", fraction="0.5", count=1)
    execution = desk.trade(order_type="limit", time_in_force="IOC", open_price="50100")
    assert execution.status in (ExecutionStatus.EXPIRED, ExecutionStatus.CANCELED)
    order, position = desk.order(), desk.position()
    assert Decimal(0) < order.filled_quantity < order.quantity
    assert position.status is PositionStatus.OPEN
    assert books.verify() == []


def test_fok_when_it_cannot_fill_wholly_fills_nothing(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade(order_type="limit", time_in_force="FOK", open_price="49000")
    assert execution.status in (ExecutionStatus.EXPIRED, ExecutionStatus.CANCELED)
    assert execution.code == "NOT_FILLED"
    assert desk.positions() == []


def test_closing_signal_when_an_entry_still_waits_cancels_it(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    desk.trade(order_type="limit", open_price="45000")
    execution = desk.trade(action="close")
    assert execution.status is ExecutionStatus.CANCELED, execution.message
    assert desk.order().state is OrderState.CANCELED
    desk.price("BTC/USDT", 44_000)
    assert desk.fills() == []
    assert desk.accepted() == 1


def test_hedge_account_when_both_directions_are_traded_holds_both(desk: Desk) -> None:
    connection = desk.account(
        exchange="sandboxusdm", preset=desk.sized(market_type="swap"), position_mode=PositionMode.HEDGE
    )
    hedge_at_the_exchange(desk, connection.get_credentials())
    desk.price("BTC/USDT", 50_000)
    assert desk.trade().status is ExecutionStatus.FILLED
    assert desk.trade(direction="sell").status is ExecutionStatus.FILLED
    assert [each.position_side.value for each in desk.positions()] == ["long", "short"]
    closed = desk.trade(action="close", direction="buy")
    assert closed.status is ExecutionStatus.FILLED, closed.message
    assert [each.status for each in desk.positions()] == [PositionStatus.CLOSED, PositionStatus.OPEN]


def hedge_at_the_exchange(desk: Desk, keys: dict[str, str]) -> None:
    client = ccxt.binanceusdm(keys)
    client.urls["api"] = on_sandbox(client.urls["api"], desk.sandbox.url)
    client.set_position_mode(True)


DENIALS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("a symbol the exchange does not have", {}, {"currency_pair": "NOPE/USDT"}, "SYMBOL_UNKNOWN"),
    (
        "a stop above the entry of a buy",
        {},
        {"sl": "51000"},
        "STOP_LOSS_WRONG_SIDE",
    ),
    ("a target below the entry of a buy", {}, {"tp": "49000"}, "TAKE_PROFIT_WRONG_SIDE"),
    ("an order below the exchange's minimum", {"sizing_value": Decimal(1)}, {}, "NOTIONAL_BELOW_MINIMUM"),
    ("an order beyond the balance", {"sizing_value": Decimal(50_000)}, {}, "BALANCE_INSUFFICIENT"),
    (
        "risk sizing without a stop",
        {"sizing_mode": "risk_percent", "sizing_value": Decimal(1)},
        {},
        "STOP_LOSS_REQUIRED",
    ),
    ("a blocked symbol", {"blocked_symbols": ["BTC/USDT"]}, {}, "SYMBOL_BLOCKED"),
    ("a symbol that is not allowed", {"allowed_symbols": ["ETH/USDT"]}, {}, "SYMBOL_NOT_ALLOWED"),
    ("a price that ran away", {}, {"open_price": "48000"}, "PRICE_SLIPPAGE_EXCEEDED"),
    ("a disabled preset", {"enabled": False}, {}, "PRESET_DISABLED"),
    ("a spot sell without holdings", {}, {"direction": "sell"}, "NOTHING_TO_SELL"),
    (
        "a trigger that is passed already",
        {},
        {"order_type": "stop", "open_price": "49000"},
        "TRIGGER_PRICE_WRONG_SIDE",
    ),
]


@pytest.mark.parametrize(("_what", "preset", "signal", "code"), DENIALS, ids=[row[0] for row in DENIALS])
def test_entry_when_it_must_not_be_sent_is_denied_with_its_code(
    desk: Desk, _what: str, preset: dict[str, Any], signal: dict[str, Any], code: str
) -> None:
    desk.account(preset=desk.sized(**preset))
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade(**signal)
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, code), execution.message
    assert execution.message
    assert desk.accepted() == 0
    assert desk.orders() == []


@pytest.mark.parametrize("state", [TradingStateValue.HALTED, TradingStateValue.REDUCING])
def test_switch_when_it_stops_entries_lets_exits_pass(desk: Desk, state: TradingStateValue) -> None:
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    desk.trade(sl="49000")
    trading_state.set_state("everything", "", state, "test", actor="command line")
    denied = desk.trade(currency_pair="ETH/USDT")
    assert denied.code == f"TRADING_{state.value.upper()}"
    desk.price("BTC/USDT", 48_000)
    desk.watch()
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2


def test_connection_when_its_key_is_revoked_stops_and_says_so(desk: Desk) -> None:
    key = desk.account().id
    desk.sandbox.update_account("alpha", enabled=False)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.DENIED
    assert execution.code == "CREDENTIALS_REFUSED"
    connection = db.session.get_one(ExecutionConnection, key, populate_existing=True)
    assert connection.has_error()
    assert desk.accepted() == 0
    assert signals.reach(execution.signal_id or 0) == 0, "a connection in error gets no more signals"


def test_ciphertext_when_moved_to_another_row_is_refused(desk: Desk) -> None:
    first, second = desk.account("alpha"), desk.account("beta")
    second.credentials = first.credentials
    db.session.commit()
    executions = [desk.run(each) for each in desk.publish()]
    assert [each.status for each in executions] == [ExecutionStatus.FILLED, ExecutionStatus.DENIED]
    assert executions[1].code == "CREDENTIALS_UNREADABLE"
    assert desk.accepted("alpha") == 1
    assert desk.accepted("beta") == 0


def test_live_connection_when_live_trading_is_off_is_denied(desk: Desk) -> None:
    desk.account(exchange="binance", mode="live")
    execution = desk.trade()
    assert execution.code == "LIVE_TRADING_DISABLED"
    assert desk.accepted() == 0


def test_paper_connection_when_its_settings_cannot_be_used_is_denied(desk: Desk) -> None:
    desk.account(exchange="binance", settings={"paper_slippage_bps": "-1"})
    execution = desk.trade()
    assert execution.code == "PAPER_MODE_UNAVAILABLE"
    assert desk.accepted() == 0


def test_account_read_when_it_fails_for_a_while_is_tried_again_until_the_signal_is_too_old(
    desk: Desk,
) -> None:
    desk.account()
    desk.sandbox.add_fault("http_before", "account", status=503, count=1)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.PENDING
    assert execution.claim_token is None
    desk.later(5)
    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_signal_when_it_expires_before_it_is_worked_on_is_not_traded(desk: Desk) -> None:
    desk.account()
    (execution,) = desk.publish(expires_at=(utcnow() + timedelta(hours=1)).isoformat())
    signal = execution.signal
    assert signal is not None
    signal.expires_at = utcnow() - timedelta(seconds=1)
    db.session.commit()
    execution = desk.run(execution)
    assert (execution.status, execution.code) == (ExecutionStatus.EXPIRED, "SIGNAL_EXPIRED")
    assert desk.accepted() == 0
