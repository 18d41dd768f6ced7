"""F55, F56: a true gap through a stop is closed within the check that sees it, on every class of venue; a
price that nothing confirms closes nothing, and its owner is told. Counted at the exchange."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from portal.db import db, end_read, utcnow
from portal.models import MarketDoubt, Notification, PriceAlarm
from portal.services import books, monitor, positions, price_alarms
from portal.trading.price_sanity import Doubt
from portal.trading.types import ClosedReason, NotificationType, PositionStatus, Protection
from tests.services.desk import Desk
from tests.services.protected import told
from tests.services.venue_classes import CLASSES, VenueClass, checked_ago, position_at, set_up

LOCAL = [each for each in CLASSES if each.how in ("local", "paper")]
ROUTES = ("bookTicker", "24hr", "depth")


@pytest.fixture(params=CLASSES, ids=lambda each: each.name)
def venue(
    request: pytest.FixtureRequest, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VenueClass]:
    with set_up(desk, request.param, monkeypatch):
        yield request.param


@pytest.fixture(params=LOCAL, ids=lambda each: each.name)
def watched(
    request: pytest.FixtureRequest, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VenueClass]:
    """A venue whose stops are Portico's to carry out."""
    with set_up(desk, request.param, monkeypatch):
        yield request.param


def cycle(desk: Desk) -> monitor.Checked:
    """One check, and the jobs that it leads to."""
    end_read()
    checked = monitor.check_positions()
    desk.close_wanted()
    desk.protect()
    return checked


def doubts() -> list[Doubt]:
    found = list(db.session.execute(sa.select(MarketDoubt.doubt)).scalars())
    end_read()
    return found


def count(model: Any) -> int:
    found = db.session.scalar(sa.select(sa.func.count()).select_from(model))
    end_read()
    return int(found or 0)


def quoted(desk: Desk, price: str, routes: tuple[str, ...] = ("bookTicker",), **more: object) -> None:
    """The feed says this, whatever the market does."""
    for route in routes:
        if route == "depth":
            desk.sandbox.misquote("BTCUSDT", route, bids=[[price, "9"]], asks=[[price, "9"]])
        elif route == "24hr":
            desk.sandbox.misquote("BTCUSDT", route, lastPrice=price, openPrice=price, priceChange="0")
        else:
            desk.sandbox.misquote("BTCUSDT", route, bidPrice=price, askPrice=price, **more)


def honest(desk: Desk) -> None:
    for route in ROUTES:
        desk.sandbox.misquote("BTCUSDT", route)


@pytest.mark.parametrize("gap", [48_000, 41_000, 20_000])
def test_f55_gap_through_the_stop_is_closed_within_one_cycle(desk: Desk, venue: VenueClass, gap: int) -> None:
    position_at(desk, venue, sl="49000")
    desk.price("BTC/USDT", gap)
    cycle(desk)
    if desk.position().status is not PositionStatus.CLOSED:
        assert venue.how == "limited", "only a stop with a limit can be jumped"
        desk.later(31)
        desk.sweep()
        desk.protect()
        desk.close_wanted()
        desk.protect()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.STOP_LOSS
    if not venue.paper:
        assert len([fill for fill in desk.sandbox.fills() if fill["side"] == "SELL"]) == 1
        assert abs(desk.held("alpha")) < Decimal("0.0001")
    assert books.verify() == []
    assert count(PriceAlarm) == 0


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "1e400", "50", "50000000", "39000"])
def test_f56_price_that_only_one_feed_shows_closes_nothing(
    desk: Desk, watched: VenueClass, price: str
) -> None:
    position_at(desk, watched, sl="49000", tp="60000")
    quoted(desk, price)
    before = desk.accepted()
    for _ in range(2):
        cycle(desk)
        checked_ago(60)
    position = desk.position()
    assert position.status is PositionStatus.OPEN
    assert position.close_reason is None
    assert desk.accepted() == before
    assert abs((position.mark_price or 0) - 50_000) < 100
    jump = price in ("50", "50000000", "39000")
    assert doubts() == ([Doubt.OUTSIDE_BAND] if jump else []), "what is no number has a sane second look"
    assert told(desk, NotificationType.ERROR) == (1 if jump else 0)


def test_f56_price_that_no_route_gives_closes_nothing_and_alarms_after_a_while(
    desk: Desk, watched: VenueClass
) -> None:
    position_at(desk, watched, sl="49000", tp="60000")
    quoted(desk, "0", ROUTES)
    cycle(desk)
    assert doubts() == [Doubt.MISSING]
    assert told(desk, NotificationType.ERROR) == 0, "one bad read is no news"
    for _ in range(4):
        checked_ago(70)
        cycle(desk)
    assert told(desk, NotificationType.ERROR) == 1
    assert desk.position().status is PositionStatus.OPEN
    alarm = db.session.execute(
        sa.select(Notification).where(Notification.type == NotificationType.ERROR)
    ).scalar_one()
    assert watched.exchange in alarm.title
    assert "BTC/USDT" in alarm.body and "min old" in alarm.body
    end_read()
    honest(desk)
    for _ in range(2):
        cycle(desk)
    assert told(desk, NotificationType.CONNECTION) == 1, "it is settled, once"
    assert (count(PriceAlarm), doubts()) == (0, [])


def test_f56_crossed_book_on_every_route_closes_nothing(desk: Desk, watched: VenueClass) -> None:
    position_at(desk, watched, sl="49000", tp="60000")
    desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice="48000", askPrice="47000")
    desk.sandbox.misquote("BTCUSDT", "depth", bids=[["48000", "1"]], asks=[["47000", "1"]])
    cycle(desk)
    assert desk.position().status is PositionStatus.OPEN
    assert desk.position().close_reason is None
    assert doubts() == [Doubt.CROSSED]


def test_f56_crossed_book_on_one_route_is_replaced_by_the_other(desk: Desk, watched: VenueClass) -> None:
    position_at(desk, watched, sl="49000")
    desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice="60000", askPrice="47000")
    desk.price("BTC/USDT", 48_500)
    cycle(desk)
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS


def test_f56_old_price_by_the_venues_own_time_closes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue = VenueClass("sandboxusdm", "local")
    with set_up(desk, venue, monkeypatch):
        position_at(desk, venue, sl="49000")
        for route, name in (("bookTicker", "time"), ("depth", "T")):
            desk.sandbox.misquote("BTCUSDT", route, **{name: 1_700_000_000_000})
        desk.price("BTC/USDT", 48_000)
        cycle(desk)
        assert desk.position().status is PositionStatus.OPEN
        assert doubts() == [Doubt.STALE]
        assert desk.accepted() == 1
        honest(desk)
        cycle(desk)
        assert desk.position().closed_reason is ClosedReason.STOP_LOSS


@pytest.mark.parametrize("exchange", ["sandbox", "sandboxusdm"])
def test_f55_gap_that_nobody_traded_in_is_closed_by_the_next_check(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, exchange: str
) -> None:
    """The order book moved, the last trade is the old one: two checks must see it."""
    with set_up(desk, VenueClass(exchange, "local"), monkeypatch):
        gap_without_trades(desk, VenueClass(exchange, "local"))


def gap_without_trades(desk: Desk, venue: VenueClass) -> None:
    position_at(desk, venue, sl="49000")
    desk.price("BTC/USDT", 41_000)
    quoted(desk, "50000", ("24hr",))
    cycle(desk)
    assert desk.position().status is PositionStatus.OPEN
    assert doubts() == [Doubt.OUTSIDE_BAND]
    assert told(desk, NotificationType.ERROR) == 1
    checked_ago(60)
    cycle(desk)
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    assert doubts() == []
    assert len([fill for fill in desk.sandbox.fills() if fill["side"] == "SELL"]) == 1


def test_dust_when_the_feed_says_a_thousandth_is_not_assumed(desk: Desk, watched: VenueClass) -> None:
    """A close at a price that is wrong would call everything too small to be sold."""
    position_at(desk, watched, sl="49000")
    quoted(desk, "50")
    positions.request_close(desk.position().id, actor=desk.admin)
    end_read()
    desk.close_wanted()
    position = desk.position()
    assert position.dust_quantity < Decimal("0.001")
    assert books.verify() == []
    if not watched.paper:
        assert position.status is PositionStatus.CLOSED
        assert desk.accepted() == 2


def test_native_stop_when_the_feed_is_wrong_is_left_alone(desk: Desk) -> None:
    venue = VenueClass("sandbox", "native")
    position_at(desk, venue, {"trailing_stop_percent": Decimal(1)}, sl="49000")
    assert desk.position().protection is Protection.NATIVE
    quoted(desk, "50000000")
    cycle(desk)
    position = desk.position()
    assert position.sl_price is not None and position.sl_price < 50_000, "it did not trail a spike"
    assert [order.trigger_price for order in desk.guards()] == [position.sl_price]


def test_alarm_when_thousands_of_positions_have_no_price_is_one_per_owner(desk: Desk) -> None:
    venue = VenueClass("sandbox", "native")
    position_at(desk, venue, sl="49000")
    for _ in range(3):
        desk.trade(sl="48000")
    quoted(desk, "0", ROUTES)
    checked_ago(300)
    for _ in range(3):
        cycle(desk)
    assert told(desk, NotificationType.ERROR) == 1
    assert price_alarms.counts(utcnow()) == {"sandbox": 4}
