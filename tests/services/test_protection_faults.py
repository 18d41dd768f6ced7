"""Guards that are refused, lost, taken away or not shown; workers that die between any two calls. The
position is protected again, or somebody is told. Counted at the exchange."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, current_app

from portal.db import db
from portal.exchanges.base import Exchange
from portal.models import Notification
from portal.services import placing, positions, reconciliation, venues
from portal.services.protection import job, planning
from portal.trading.types import (
    ClosedReason,
    NotificationType,
    OrderState,
    PositionStatus,
    Protection,
)
from tests.helpers import at_once
from tests.services.desk import Desk
from tests.services.protected import (
    by_hand,
    closable,
    closing_fills,
    guarded,
    minute,
    nothing_is_left,
    opened,
    take_off,
    told,
)


def stops(desk: Desk) -> list[Decimal]:
    return [order.quantity for order in desk.guards() if "STOP" in order.order_type]


def settle(desk: Desk, rounds: int = 6) -> None:
    """Time passes, and the periodic jobs do their work."""
    for _ in range(rounds):
        desk.later(30)
        minute(desk)


def test_stop_when_refused_again_and_again_raises_one_alarm_and_is_placed_in_the_end(desk: Desk) -> None:
    opened(desk, "sandbox", sl="49000")
    hand = by_hand(desk, "sandbox")
    own = hand.create_order(
        "BTC/USDT", "limit", "sell", hand.fetch_balance()["free"]["BTC"], 90_000
    )  # the owner's own order locks the coins
    for _ in range(5):
        desk.later(70)
        desk.protect()
    position = desk.position()
    assert position.protection is Protection.FAILED
    assert "did not take the stop" in position.protection_note
    assert position.status is PositionStatus.OPEN, "the preset only wants to be told"
    assert told(desk, NotificationType.UNPROTECTED) == 1
    assert desk.guards() == []
    hand.cancel_order(own["id"], "BTC/USDT")
    desk.later(70)
    desk.protect()
    position = desk.position()
    assert position.protection is Protection.NATIVE
    assert position.unprotected_told_at is None
    assert told(desk, NotificationType.UNPROTECTED) == 2
    assert stops(desk) == [closable(position)]


def test_stops_when_the_exchange_takes_none_from_an_account_raise_one_alarm_until_it_takes_them_again(
    desk: Desk, venue: str
) -> None:
    opened(desk, venue, sl="49000")
    desk.sandbox.update_account(desk.sandbox.accounts()[0]["name"], can_stop=False)
    for _ in range(4):
        desk.later(70)
        desk.protect()
    position = desk.position()
    assert (position.protection, position.status) == (Protection.FAILED, PositionStatus.OPEN)
    assert "did not take the stop" in position.protection_note
    assert (told(desk, NotificationType.UNPROTECTED), desk.guards(resting=False)) == (1, [])
    assert all(order.state is OrderState.REJECTED for order in desk.orders()[1:]), "a refusal is no doubt"
    desk.sandbox.update_account(desk.sandbox.accounts()[0]["name"], can_stop=True)
    desk.later(70)
    desk.protect()
    assert desk.position().protection is Protection.NATIVE
    assert stops(desk) == [closable(desk.position())]


def test_refused_stop_is_not_tried_again_at_once(desk: Desk) -> None:
    opened(desk, "sandbox", sl="49000")
    hand = by_hand(desk, "sandbox")
    hand.create_order("BTC/USDT", "limit", "sell", hand.fetch_balance()["free"]["BTC"], 90_000)
    for _ in range(10):
        desk.protect()
    assert desk.position().guard_version == 1
    assert desk.position().next_guard_at is not None


def test_stop_in_doubt_keeps_nobody_from_getting_out(desk: Desk, venue: str) -> None:
    """The local look stays the second line while a guard is not proved."""
    opened(desk, venue, sl="49000")
    desk.sandbox.add_fault("close_before_accept", count=1)
    desk.protect()
    assert desk.orders()[1].state is OrderState.UNRESOLVED
    desk.price("BTC/USDT", 48_900)
    desk.watch()
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    assert len(closing_fills(desk)) == 1
    settle(desk)
    nothing_is_left(desk)


def test_stop_that_arrives_after_its_position_was_closed_is_taken_off(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000")
    desk.sandbox.add_fault("invisible", seconds=2, count=1)
    desk.sandbox.add_fault("json_without_id", count=1)
    desk.protect()
    assert desk.orders()[1].state is OrderState.UNRESOLVED
    positions.request_close(desk.position().id, actor=desk.admin)
    until = time.monotonic() + 30
    while desk.position().status is not PositionStatus.CLOSED or desk.guards():
        assert time.monotonic() < until
        desk.later(10)
        minute(desk)
    nothing_is_left(desk)


def test_unproved_position_after_a_minute_is_alarmed_once(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000")
    desk.sandbox.add_fault("http_before", "openOrders", status=503)
    desk.sandbox.add_fault("http_before", "query", status=503)
    desk.sandbox.add_fault("http_before", "allOrders", status=503)
    desk.protect()
    assert desk.position().protection is Protection.LOCAL, "it was placed, and nobody has read it back"
    assert desk.sweep()["unprotected"] == 0
    desk.later(70)
    assert desk.sweep()["unprotected"] == 1
    assert desk.sweep()["unprotected"] == 0
    assert told(desk, NotificationType.UNPROTECTED) == 1
    assert desk.position().protection is Protection.FAILED
    desk.sandbox.clear_faults()
    settle(desk, 2)
    assert desk.position().protection is Protection.NATIVE
    assert len(desk.guards(resting=False)) == 1
    kind = Notification.type == NotificationType.UNPROTECTED
    titles = db.session.scalars(sa.select(Notification.title).where(kind).order_by(Notification.id)).all()
    assert titles[1:] == ["BTC/USDT is protected at the exchange again"], "whoever was woken is told the end"


def test_unprotected_position_when_its_preset_says_close_is_closed_at_the_market(
    desk: Desk, venue: str
) -> None:
    opened(desk, venue, {"when_unprotected": "close"}, sl="49000")
    fault = desk.sandbox.add_fault("rate_limit", status=429, retry_after=1)
    desk.protect()
    desk.later(70)
    assert desk.sweep()["unprotected"] == 1
    assert desk.position().close_reason is ClosedReason.EMERGENCY
    desk.sandbox.remove_fault(fault)
    desk.later(30)
    desk.close_wanted()
    assert desk.position().closed_reason is ClosedReason.EMERGENCY
    assert told(desk, NotificationType.UNPROTECTED) == 1
    nothing_is_left(desk)


def test_stop_when_its_answer_is_lost_is_found_and_not_placed_twice(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000")
    desk.sandbox.add_fault("accept_no_answer", count=1)
    desk.protect()
    settle(desk, 2)
    assert desk.position().protection is Protection.NATIVE
    assert stops(desk) == [closable(desk.position())]
    assert len(desk.guards(resting=False)) == 1


def test_stop_when_it_never_arrived_is_placed_again_after_the_proof(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000")
    desk.sandbox.add_fault("close_before_accept", count=1)
    desk.protect()
    assert desk.orders()[1].state is OrderState.UNRESOLVED
    desk.protect()
    assert desk.guards() == [], "it may still arrive"
    settle(desk)
    assert desk.orders()[1].state is OrderState.NOT_PLACED
    assert desk.position().protection is Protection.NATIVE
    assert len(desk.guards(resting=False)) == 1
    assert [order.intent_key.split(":", 1)[1] for order in desk.orders()[1:]] == ["guard:1:sl", "guard:2:sl"]


def test_stop_when_the_exchange_ends_it_at_once_is_placed_again(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000")
    desk.sandbox.add_fault("cancelled_by_exchange", fraction="0", count=1)
    desk.protect()
    settle(desk, 1)
    assert desk.position().protection is Protection.NATIVE
    assert stops(desk) == [closable(desk.position())]


def test_guards_when_the_owner_takes_them_off_are_placed_again(desk: Desk, venue: str) -> None:
    guarded(desk, venue, sl="49000", tp="60000")
    before = len(desk.guards())
    assert take_off(desk, venue) == before
    connection = desk.executions()[0].connection_id
    assert connection is not None
    reconciliation.sync_connection(connection)
    assert desk.position().protection_due_since is not None, "the minute's look has seen it"
    desk.protect()
    assert desk.position().protection is Protection.NATIVE
    assert len(desk.guards()) == before


def test_stop_that_was_taken_off_when_the_price_falls_is_no_reason_to_wait(desk: Desk, venue: str) -> None:
    """F55: it is gone, and the next look finds both."""
    guarded(desk, venue, sl="49000", tp="60000")
    take_off(desk, venue)
    desk.price("BTC/USDT", 45_000)
    minute(desk)
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    assert len(closing_fills(desk)) == 1
    nothing_is_left(desk)


def test_price_that_falls_before_the_stop_is_placed_closes_at_once(desk: Desk, venue: str) -> None:
    opened(desk, venue, sl="49000", tp="60000")
    desk.price("BTC/USDT", 45_000)
    desk.protect()
    assert desk.position().close_reason is ClosedReason.STOP_LOSS
    assert desk.guards(resting=False) == []
    desk.close_wanted()
    assert len(closing_fills(desk)) == 1
    nothing_is_left(desk)


def test_target_when_the_exchange_refuses_it_is_watched_by_us_and_the_stop_stands(desk: Desk) -> None:
    opened(desk, "sandboxusdm", sl="49000", tp="51000")
    desk.sandbox.add_fault("rate_limit", nth=2, status=429, retry_after=1)
    desk.protect()
    settle(desk, 1)
    assert desk.position().protection is Protection.NATIVE
    assert stops(desk) == [desk.position().quantity]
    desk.price("BTC/USDT", 51_100)
    minute(desk)
    assert desk.position().closed_reason is ClosedReason.TAKE_PROFIT
    nothing_is_left(desk)


def test_stop_that_fills_in_part_in_a_thin_market_is_finished_at_the_market(desk: Desk, venue: str) -> None:
    guarded(desk, venue, sl="49000")
    desk.sandbox.set_book("BTCUSDT", levels=1, depth_factor="0.0000001")
    desk.price("BTC/USDT", 48_900)
    minute(desk)
    desk.sandbox.set_book("BTCUSDT", levels=20, depth_factor="1")
    settle(desk, 2)
    assert desk.position().status is PositionStatus.CLOSED
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    assert desk.sent() >= 2, "the entry, and the rest of the stop"
    nothing_is_left(desk)


def test_two_workers_at_once_place_each_guard_once(app: Flask, desk: Desk, venue: str) -> None:
    position_id = opened(desk, venue, sl="49000", tp="60000")
    at_once(app, [lambda: job.protect(position_id)] * 4)
    minute(desk)
    assert len(desk.guards(resting=False)) == (1 if venue == "sandbox" else 2)
    assert desk.position().protection is Protection.NATIVE


class Killed(BaseException):
    """What kill -9 looks like from inside: nothing after it runs."""


class Doomed:
    """An exchange whose `fatal`-th call is the last thing that its worker does."""

    def __init__(self, exchange: Exchange, counter: Iterator[int], fatal: int, *, arrives: bool) -> None:
        self._exchange, self._counter, self._fatal, self._arrives = exchange, counter, fatal, arrives

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._exchange, name)
        if name not in ("place_order", "cancel_order", "open_orders", "find_order", "fills"):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            if next(self._counter) != self._fatal:
                return found(*args, **kwargs)
            if self._arrives:
                found(*args, **kwargs)
            raise Killed

        return call


@contextmanager
def worker_that_dies(monkeypatch: pytest.MonkeyPatch, fatal: int, *, arrives: bool) -> Iterator[list[bool]]:
    """Within the block the worker dies at its `fatal`-th call; whether it did is in the list."""
    real, counter, died = venues.exchange_for, iter(range(1, 1000)), [False]

    @contextmanager
    def doomed(*args: Any) -> Iterator[Any]:
        with real(*args) as exchange:
            yield Doomed(exchange, counter, fatal, arrives=arrives)

    with monkeypatch.context() as patch:
        patch.setattr(venues, "exchange_for", doomed)
        # A dead worker records nothing.
        for name in ("record_unknown", "record_doubt"):
            patch.setattr(placing.recording, name, lambda *_args: None)
        try:
            yield died
        except Killed:
            died[0] = True
    current_app.extensions["portal_exchange_pool"].close()


@pytest.mark.parametrize(
    ("fatal", "arrives"), [(call, True) for call in range(1, 8)] + [(call, False) for call in (1, 4, 6)]
)
def test_worker_that_dies_at_any_call_leaves_a_position_that_is_guarded_once_again(
    desk: Desk, venue: str, monkeypatch: pytest.MonkeyPatch, fatal: int, arrives: bool
) -> None:
    """C16: placing the first guards, then replacing them after a move of the stop."""
    preset = {"break_even_at_r": Decimal(1)}
    opened(desk, venue, preset, sl="49000", tp="60000")
    with worker_that_dies(monkeypatch, fatal, arrives=arrives) as died:
        desk.protect()
        desk.price("BTC/USDT", 51_200)
        desk.watch()
        desk.protect()
    assert died == [True]
    desk.price("BTC/USDT", 51_200)
    settle(desk)
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert position.protection is Protection.NATIVE
    assert stops(desk) == [closable(position)]
    assert len(desk.guards()) == (1 if venue == "sandbox" else 2)
    assert desk.sent() == 1
    desk.price("BTC/USDT", 48_000)
    minute(desk)
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    assert len(closing_fills(desk)) == 1
    nothing_is_left(desk)


def test_plan_when_a_fill_is_not_known_yet_waits(desk: Desk, venue: str) -> None:
    """What a guard has closed must be known before another is placed for the rest."""
    position_id = guarded(desk, venue, sl="49000")
    desk.sandbox.add_fault("http_before", "myTrades", status=503)
    desk.price("BTC/USDT", 48_900)
    desk.protect()
    assert desk.position().status is PositionStatus.OPEN
    market = planning.Market(None, Decimal(48_900), _capabilities(desk))
    step = planning.next_step(position_id, market, desk.position().opened_at)
    assert not step.place and not step.cancel
    assert desk.position().close_reason is None
    desk.sandbox.clear_faults()
    settle(desk, 1)
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    nothing_is_left(desk)


def _capabilities(desk: Desk) -> Any:
    connection = desk.executions()[0].connection
    assert connection is not None
    _ = connection.credentials, connection.data_connection
    with venues.exchange_for(connection) as exchange:
        return exchange.capabilities
