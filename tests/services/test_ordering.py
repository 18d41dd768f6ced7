"""Signals on the same account and symbol keep the order in which they were published."""

from datetime import timedelta

from portal.db import db, utcnow
from portal.models import Signal
from portal.trading.types import ExecutionStatus, PositionStatus
from tests.services.desk import Desk


def test_later_signal_when_the_earlier_one_is_not_settled_waits(desk: Desk) -> None:
    desk.account()
    (first,) = desk.publish()
    (second,) = desk.publish(action="close")
    second = desk.run(second)
    assert second.status is ExecutionStatus.PENDING
    assert desk.accepted() == 0
    desk.run(first)
    second = desk.run(second)
    assert second.status is ExecutionStatus.FILLED
    assert desk.position().status is PositionStatus.CLOSED


def test_signal_on_another_symbol_or_account_does_not_wait(desk: Desk) -> None:
    desk.account("alpha")
    desk.account("beta")
    first = desk.publish()
    second = desk.publish(currency_pair="ETH/USDT")
    assert desk.run(second[0]).status is ExecutionStatus.FILLED
    assert desk.run(first[1]).status is ExecutionStatus.FILLED
    assert desk.run(first[0]).status is ExecutionStatus.FILLED


def test_settlement_currency_when_named_is_the_same_lane(desk: Desk) -> None:
    desk.account(exchange="sandboxusdm", preset=desk.preset(market_type="swap", sizing_value=10))
    (first,) = desk.publish(currency_pair="BTC/USDT")
    (second,) = desk.publish(currency_pair="BTC/USDT:USDT")
    assert desk.run(second).status is ExecutionStatus.PENDING
    assert desk.run(first).status is ExecutionStatus.FILLED
    assert desk.run(second).status is ExecutionStatus.FILLED


def test_signal_when_too_old_expires_instead_of_trading(desk: Desk) -> None:
    desk.account(preset=desk.preset(max_signal_age_seconds=5))
    (execution,) = desk.publish()
    signal = execution.signal
    assert signal is not None and signal.published_at is not None
    signal.published_at -= timedelta(seconds=6)
    db.session.commit()
    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.EXPIRED
    assert execution.code == "SIGNAL_TOO_OLD"
    assert desk.accepted() == 0


def test_closing_signal_when_late_still_closes(desk: Desk) -> None:
    desk.account(preset=desk.preset(max_signal_age_seconds=5))
    desk.trade()
    (execution,) = desk.publish(action="close")
    key = execution.signal_id
    signal = db.session.get_one(Signal, key)
    signal.published_at = utcnow() - timedelta(minutes=10)
    db.session.commit()
    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.FILLED, execution.message
    assert desk.position().status is PositionStatus.CLOSED
