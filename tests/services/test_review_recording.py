"""What the venue says is written down whenever it comes, in whatever order, and never blocks what follows."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.errors import PortalError
from portal.exchanges.ccxt_adapter import CcxtExchange
from portal.models import ExecutionConnection, ExecutionLog, Order, Signal
from portal.services import booking, books, executions, placing, planning, recording
from portal.services.intents import Intended
from portal.trading.orders import FillReport, OrderReport, OrderRequest
from portal.trading.types import ExecutionStatus, NotificationType, OrderState, PositionMode, PositionStatus
from tests.helpers import dying_at, silence
from tests.services.desk import Desk
from tests.services.protected import told

FUTURES = "sandboxusdm"


def only_intended(desk: Desk, monkeypatch: pytest.MonkeyPatch, **signal: Any) -> Intended:
    """Run an execution up to its committed intent; its worker dies there."""
    kept: list[Intended] = []
    (execution,) = desk.publish(**signal)

    def die(intended: Intended, _exchange: object) -> None:
        kept.append(intended)
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(placing, "place", die)
        with pytest.raises(SystemExit):
            desk.run(execution)
    return kept[0]


def report(order: Order, state: OrderState, filled: Decimal | int = 0, venue_id: str = "77") -> OrderReport:
    return OrderReport(
        exchange_order_id=venue_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        state=state,
        quantity=order.quantity,
        filled_quantity=Decimal(filled),
        average_price=None,
    )


def fill(order: Order, quantity: Decimal, name: str = "t1", seconds: float = 0) -> FillReport:
    when = order.sent_at + timedelta(seconds=seconds)
    return FillReport(name, "77", order.symbol, order.side, quantity, Decimal(50_000), when)


def test_fill_when_it_comes_after_absence_was_proved_is_booked_and_no_second_order_follows(
    desk: Desk,
) -> None:
    """F33: the proof was wrong; the fill is the truth, is told, and ends the second try before it is sent."""
    desk.account()
    desk.sandbox.add_fault("close_before_accept", count=1)
    execution = desk.trade()
    desk.later(30)
    desk.resolve_due()
    assert desk.executions()[0].status is ExecutionStatus.PENDING
    order = desk.order()
    recording.record_report(
        order.id, report(order, OrderState.FILLED, order.quantity), [fill(order, order.quantity)]
    )
    execution = desk.run(desk.executions()[0])
    assert execution.status is ExecutionStatus.FILLED
    assert desk.order().state is OrderState.FILLED
    assert desk.position().quantity == desk.order().quantity
    assert told(desk, NotificationType.ERROR) == 1
    assert desk.accepted() == 0, "no second order"
    assert books.verify() == []


def test_order_when_the_exchange_rejects_it_after_it_rested_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A conditional order may be refused when it triggers: it must not rest in our books for ever."""
    desk.account()
    order_id = only_intended(desk, monkeypatch, order_type="limit", open_price="45000").order_id
    recording.record_report(order_id, report(desk.order(), OrderState.OPEN), [])
    assert desk.executions()[0].status is ExecutionStatus.OPEN
    recording.record_report(order_id, report(desk.order(), OrderState.REJECTED), [])
    assert desk.order().state is OrderState.CANCELED
    assert desk.order().next_query_at is None
    assert desk.executions()[0].status is ExecutionStatus.CANCELED


def test_answer_when_it_says_rejected_leaves_a_code_and_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.account()
    order_id = only_intended(desk, monkeypatch).order_id
    recording.record_report(order_id, report(desk.order(), OrderState.REJECTED), [])
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.REJECTED
    assert execution.code == "REFUSED"
    assert execution.message


def test_market_order_when_only_acknowledged_is_asked_about_at_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most venues answer with an id and nothing else; a position must not go unwatched for a minute."""
    desk.account()
    order_id = only_intended(desk, monkeypatch).order_id
    recording.record_report(order_id, report(desk.order(), OrderState.OPEN), [])
    due = desk.order().next_query_at
    assert due is not None and due <= utcnow()


def test_resting_limit_order_when_acknowledged_is_followed_without_haste(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.account()
    order_id = only_intended(desk, monkeypatch, order_type="limit", open_price="45000").order_id
    recording.record_report(order_id, report(desk.order(), OrderState.OPEN), [])
    due = desk.order().next_query_at
    assert due is not None and due > utcnow() + timedelta(seconds=30)


def test_filled_order_when_its_fills_cannot_be_read_yet_is_not_settled_before_they_are(desk: Desk) -> None:
    """F50: an execution is not called filled while nobody holds a position for it."""
    desk.account(exchange=FUTURES, preset=desk.sized(market_type="swap"))
    desk.sandbox.add_fault("http_before", "myTrades", status=503, count=2)
    execution = desk.trade()
    assert desk.order().state is OrderState.FILLED
    assert execution.status is ExecutionStatus.IN_FLIGHT
    assert desk.positions() == []
    desk.later(1)
    desk.resolve_due()
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.position().quantity == desk.order().quantity
    assert told(desk, NotificationType.OPEN) == 1
    assert desk.accepted() == 1
    assert books.verify() == []


def test_closing_signal_when_the_entry_s_fills_are_late_waits_for_them_and_closes(desk: Desk) -> None:
    desk.account(exchange=FUTURES, preset=desk.sized(market_type="swap"))
    fault = desk.sandbox.add_fault("http_before", "myTrades", status=503)
    desk.trade()
    closing_one = desk.trade(action="close")
    assert closing_one.status is ExecutionStatus.PENDING
    desk.sandbox.remove_fault(fault)
    desk.later(10)
    desk.resolve_due()
    closing_one = desk.run(closing_one)
    assert closing_one.status is ExecutionStatus.FILLED, closing_one.message
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.accepted() == 2


def test_ended_order_when_its_part_fill_is_not_read_yet_is_not_called_unfilled(desk: Desk) -> None:
    """F44."""
    desk.account(exchange=FUTURES, preset=desk.sized(market_type="swap"))
    desk.price("BTC/USDT", 50_000)
    desk.sandbox.add_fault("http_before", "myTrades", status=503, count=1)
    desk.sandbox.add_fault("partial_fill", fraction="0.5", count=1)
    desk.trade(order_type="limit", time_in_force="IOC", open_price="50100")
    assert desk.order().error_code is None
    assert told(desk, NotificationType.EXECUTION) == 0
    desk.later(1)
    desk.resolve_due()
    (execution,) = desk.executions()
    assert execution.status is ExecutionStatus.EXPIRED
    assert execution.code is None
    assert desk.position().quantity == desk.order().filled_quantity > 0
    assert told(desk, NotificationType.OPEN) == 1


def test_fills_when_they_stay_unreadable_raise_one_alarm(desk: Desk) -> None:
    desk.account(exchange=FUTURES, preset=desk.sized(market_type="swap"))
    desk.sandbox.add_fault("http_before", "myTrades", status=503)
    desk.trade()
    with transaction() as session:
        session.get_one(Order, desk.order().id).queries = 5
    for _ in range(3):
        desk.later(60)
        desk.resolve_due()
    assert told(desk, NotificationType.ERROR) == 1
    asked = desk.sandbox.requests()["by_endpoint"]["myTrades"]
    desk.later(50)
    desk.resolve_due()
    assert desk.sandbox.requests()["by_endpoint"]["myTrades"] == asked, "once a minute, not faster"

    desk.sandbox.clear_faults()
    desk.later(60)
    desk.resolve_due()
    assert (desk.order().error_code, desk.order().fills_complete) == (None, True)
    assert desk.position().quantity == desk.order().quantity
    assert books.verify() == []


def test_f45_same_trade_when_reported_twice_and_out_of_order_counts_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F45."""
    desk.account()
    order_id = only_intended(desk, monkeypatch).order_id
    order = desk.order()
    half = order.quantity / 2
    first, second = fill(order, half, "t1", 1), fill(order, order.quantity - half, "t2", 2)
    half_way = report(order, OrderState.PARTIALLY_FILLED, half)
    whole = report(order, OrderState.FILLED, order.quantity)
    recording.record_report(order_id, half_way, [second])
    recording.record_report(order_id, whole, [second])
    recording.record_report(order_id, half_way, [second])
    assert not desk.order().fills_complete, "an older answer must not stop the search for the other half"
    recording.record_report(order_id, whole, [second, first, second])
    recording.record_report(order_id, half_way, [first])
    recording.record_report(order_id, whole, [first, second])
    assert len(desk.fills()) == 2
    assert desk.order().state is OrderState.FILLED
    assert desk.position().quantity == desk.order().quantity
    assert told(desk, NotificationType.OPEN) == 1
    assert books.verify() == []


def test_f46_overfill_when_reported_is_kept_and_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """F46: the position follows the venue."""
    desk.account()
    order_id = only_intended(desk, monkeypatch).order_id
    order = desk.order()
    filled = order.quantity * 2
    recording.record_report(order_id, report(order, OrderState.FILLED, filled), [fill(order, filled)])
    assert desk.position().quantity == filled
    assert told(desk, NotificationType.ERROR) == 1
    assert [each.field for each in books.verify()] == ["quantity"]


def test_record_when_it_fails_half_way_leaves_neither_fill_nor_position(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F50, C15."""
    desk.account()
    order_id = only_intended(desk, monkeypatch).order_id
    order = desk.order()
    whole = report(order, OrderState.FILLED, order.quantity)
    with monkeypatch.context() as patch:
        patch.setattr(booking, "_apply", lambda *_: (_ for _ in ()).throw(PortalError("killed here")))
        with pytest.raises(PortalError):
            recording.record_report(order_id, whole, [fill(order, order.quantity)])
    assert desk.fills() == [] and desk.positions() == []
    assert desk.order().state is OrderState.IN_FLIGHT
    recording.record_report(order_id, whole, [fill(desk.order(), order.quantity)])
    assert desk.position().quantity == order.quantity
    assert books.verify() == []


def test_two_symbols_when_their_orders_share_a_venue_id_are_both_recorded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Binance counts order ids per symbol: the same number on two markets is two orders."""
    desk.account(preset=desk.sized())
    first = only_intended(desk, monkeypatch, currency_pair="BTC/USDT").order_id
    second = only_intended(desk, monkeypatch, currency_pair="ETH/USDT").order_id
    for order_id, row in zip((first, second), desk.orders(), strict=True):
        recording.record_report(
            order_id, report(row, OrderState.FILLED, row.quantity), [fill(row, row.quantity)]
        )
    assert [each.state for each in desk.orders()] == [OrderState.FILLED] * 2
    assert len(desk.positions()) == 2


def test_order_when_its_worker_died_and_nobody_answers_is_unresolved_and_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F35."""
    desk.account()
    only_intended(desk, monkeypatch)
    silence(desk.sandbox)
    for _ in range(2):
        desk.later(40)
        desk.resolve_due()
    assert desk.executions()[0].status is ExecutionStatus.UNRESOLVED
    assert desk.order().state is OrderState.UNRESOLVED
    desk.sweep()
    assert told(desk, NotificationType.UNRESOLVED) == 1


def test_exception_when_raised_inside_the_call_is_an_unknown_outcome(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F18, F19: a time limit that fires after the venue took the order is never a refusal."""
    real = CcxtExchange.place_order

    def interrupted(self: CcxtExchange, request: OrderRequest, *rest: Any) -> OrderReport:
        real(self, request, *rest)
        raise TimeoutError("the job ran out of time")

    desk.account()
    with monkeypatch.context() as patch:
        patch.setattr(CcxtExchange, "place_order", interrupted)
        assert desk.trade().status is ExecutionStatus.UNRESOLVED
    desk.later(2)
    desk.resolve_due()
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


def test_worker_when_it_wakes_after_the_window_sends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14, F15: stopped between the intent and the send for a minute."""
    key = desk.account().id
    intended = only_intended(desk, monkeypatch)
    late = {"sent_at": utcnow() - timedelta(seconds=60), "not_after": utcnow() - timedelta(seconds=55)}
    zombie = replace(intended, request=replace(intended.request, **late))
    from portal.services import venues

    with venues.exchange_for(db.session.get_one(ExecutionConnection, key)) as exchange:
        placing.place(zombie, exchange)
    assert desk.accepted() == 0
    assert desk.order().state is OrderState.NOT_PLACED
    assert desk.executions()[0].status is ExecutionStatus.PENDING


def test_worker_when_its_lease_was_taken_while_it_slept_intends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F14, F16: another one has done the work meanwhile."""
    desk.account()
    (execution,) = desk.publish()
    key, real, slept = execution.id, planning.plan_entry, []

    def slow(*args: Any) -> Any:
        plan = real(*args)
        if not slept:
            slept.append(True)
            desk.later(60)
            executions.run(key)
        return plan

    monkeypatch.setattr(planning, "plan_entry", slow)
    execution = desk.run(execution)
    assert slept and execution.status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert len(desk.orders()) == 1


def test_answer_when_read_but_not_stored_is_found_again(desk: Desk) -> None:
    """C11."""
    desk.account()
    (execution,) = desk.publish()
    with dying_at(recording, "record_report"):
        desk.run(execution)
    assert desk.accepted() == 1
    assert desk.order().state is OrderState.IN_FLIGHT
    desk.later(40)
    assert desk.sweep()["resolve_order"] == 1
    desk.resolve_due()
    assert desk.executions()[0].status is ExecutionStatus.FILLED
    assert desk.accepted() == 1
    assert books.verify() == []


def test_waiting_signal_when_it_grows_too_old_behind_an_unresolved_one_expires(desk: Desk) -> None:
    """F10, F35: a lane that is blocked for an hour does not keep its signals pending for ever."""
    desk.account()
    desk.sandbox.add_fault("accept_no_answer", count=1)
    silence(desk.sandbox)
    desk.trade()
    (second,) = desk.publish()
    (third,) = desk.publish()
    key = second.signal_id
    desk.later(10)
    desk.sweep()
    assert desk.executions()[1].status is ExecutionStatus.PENDING, "still young"
    with transaction() as session:
        session.get_one(Signal, key).published_at = utcnow() - timedelta(seconds=120)
    desk.sweep()
    assert [each.status for each in desk.executions()] == [
        ExecutionStatus.UNRESOLVED,
        ExecutionStatus.EXPIRED,
        ExecutionStatus.PENDING,
    ]
    assert desk.executions()[1].code == "SIGNAL_TOO_OLD"
    assert desk.accepted() == 1


def test_closing_signal_on_a_hedging_account_leaves_the_other_direction_s_entry_alone(desk: Desk) -> None:
    connection = desk.account(
        exchange=FUTURES, preset=desk.sized(market_type="swap"), position_mode=PositionMode.HEDGE
    )
    from tests.services.test_entries import hedge_at_the_exchange

    hedge_at_the_exchange(desk, connection.get_credentials())
    desk.price("BTC/USDT", 50_000)
    assert desk.trade().status is ExecutionStatus.FILLED
    assert desk.trade(direction="sell", order_type="limit", open_price="55000").status is ExecutionStatus.OPEN
    closed = desk.trade(action="close", direction="buy")
    assert closed.status is ExecutionStatus.FILLED, closed.message
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.orders()[1].state is OrderState.OPEN


def test_execution_when_its_connection_is_deleted_under_it_is_denied(desk: Desk) -> None:
    key = desk.account().id
    (execution,) = desk.publish()
    end_read()
    with transaction() as session:
        session.delete(session.get_one(ExecutionConnection, key))
    execution = desk.run(execution)
    assert execution.status is ExecutionStatus.DENIED
    assert execution.message
    assert desk.accepted() == 0
    assert desk.sweep() == dict.fromkeys(desk.sweep(), 0)


def test_log_of_an_order_when_it_has_no_execution_at_hand_is_still_its_owner_s(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.account()
    order_id = only_intended(desk, monkeypatch).order_id
    order = desk.order()
    filled = order.quantity * 2
    recording.record_report(order_id, report(order, OrderState.FILLED, filled), [fill(order, filled)])
    owners = db.session.execute(sa.select(ExecutionLog.owner_id)).scalars().all()
    assert set(owners) == {desk.admin_id}
