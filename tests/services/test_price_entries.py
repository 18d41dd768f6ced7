"""Entries at hostile quotes: denied with the code that says why, and nothing reaches the exchange."""

from collections.abc import Callable, Iterator

import pytest

from portal.exchanges.ccxt_markets import _REGISTRY
from portal.services import prices
from portal.trading.types import (
    ClosedReason,
    ExecutionStatus,
    NotificationType,
    PositionStatus,
    Protection,
)
from tests.services.desk import Desk
from tests.services.protected import account, nothing_is_left, opened, told
from tests.services.venue_classes import VenueClass, position_at, set_up


def silent(desk: Desk) -> None:
    desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice="0", askPrice="0")
    desk.sandbox.misquote("BTCUSDT", "24hr", lastPrice="0", openPrice="0", priceChange="0", bidPrice="0")
    desk.sandbox.misquote("BTCUSDT", "depth", bids=[], asks=[])


def not_a_number(desk: Desk) -> None:
    silent(desk)
    desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice="NaN", askPrice="Infinity")


def crossed(desk: Desk) -> None:
    desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice="50100", askPrice="49900")
    desk.sandbox.misquote("BTCUSDT", "depth", bids=[["50100", "1"]], asks=[["49900", "1"]])


def quoted(price: str) -> Callable[[Desk], None]:
    def spike(desk: Desk) -> None:
        desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice=price, askPrice=price)

    return spike


def too_wide(desk: Desk) -> None:
    desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice="49000", askPrice="51000")


HOSTILE = [
    ("silent", silent, "PRICE_MISSING"),
    ("not a number", not_a_number, "PRICE_MISSING"),
    ("crossed", crossed, "PRICE_CROSSED"),
    ("a thousandfold", quoted("50000000"), "PRICE_IMPLAUSIBLE"),
    ("a thousandth", quoted("50"), "PRICE_IMPLAUSIBLE"),
    ("a third off", quoted("33000"), "PRICE_IMPLAUSIBLE"),
    ("too wide", too_wide, "SPREAD_TOO_WIDE"),
]


@pytest.mark.parametrize("known", [False, True], ids=["first price", "known market"])
@pytest.mark.parametrize(("feed", "code"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_f56_entry_at_a_hostile_quote_is_denied_and_nothing_is_sent(
    desk: Desk, venue: str, feed: Callable[[Desk], None], code: str, known: bool
) -> None:
    account(desk, venue)
    before = 0
    if known:
        assert desk.trade().status is ExecutionStatus.FILLED
        before = desk.accepted()
        prices.forget()
    feed(desk)
    execution = desk.trade()
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, code)
    assert execution.message
    assert desk.accepted() == before


@pytest.fixture
def halted(desk: Desk, venue: str) -> Iterator[Callable[[], None]]:
    """Halts BTC/USDT at the exchange, and lets the next look see it."""
    touched = []

    def halt() -> None:
        markets = _REGISTRY._known[venue, desk.sandbox.url]
        desk.sandbox.set_rules("BTCUSDT", active=False)
        markets._loaded_at = float("-inf")
        touched.append(markets)

    yield halt
    for markets in touched:
        markets._loaded_at = float("-inf")


def test_entry_on_a_halted_market_is_denied_and_an_open_position_there_waits(
    desk: Desk, venue: str, halted: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = VenueClass(venue, "local")
    with set_up(desk, of, monkeypatch):
        position_at(desk, of, sl="49000")
        halted()
        execution = desk.trade(sl="49000")
        assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "MARKET_INACTIVE")
        desk.price("BTC/USDT", 48_000)
        for _ in range(3):
            desk.watch()
            desk.later(120)
        position = desk.position()
        assert position.close_reason is ClosedReason.STOP_LOSS, "the wish stays"
        assert position.status is PositionStatus.OPEN
        assert desk.accepted() == 1
        assert told(desk, NotificationType.ERROR) == 1, "the owner is told once"
        desk.sandbox.set_rules("BTCUSDT", active=True)
        desk.later(120)
        desk.close_wanted()
        assert desk.position().closed_reason is ClosedReason.STOP_LOSS
        nothing_is_left(desk)


def test_f56_entry_at_an_old_quote_is_denied(desk: Desk) -> None:
    desk.account(exchange="sandboxusdm", preset=desk.preset(market_type="swap"))
    desk.price("BTC/USDT", 50_000)
    for route, name in (("bookTicker", "time"), ("depth", "T")):
        desk.sandbox.misquote("BTCUSDT", route, **{name: 1_700_000_000_000})
    execution = desk.trade()
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "PRICE_STALE")
    assert desk.accepted() == 0


def test_entry_when_one_route_is_crossed_trades_at_the_price_of_the_other(desk: Desk) -> None:
    desk.account(preset=desk.sized())
    desk.price("BTC/USDT", 50_000)
    desk.sandbox.misquote("BTCUSDT", "bookTicker", bidPrice="50100", askPrice="49900")
    assert desk.trade(sl="49000").status is ExecutionStatus.FILLED
    assert desk.accepted() == 1


@pytest.mark.parametrize(("direction", "sl"), [("buy", "50500"), ("buy", "50000000"), ("sell", "49500")])
def test_stop_beyond_the_market_at_the_entry_is_denied(desk: Desk, direction: str, sl: str) -> None:
    desk.account(exchange="sandboxusdm", preset=desk.preset(market_type="swap"))
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade(direction=direction, sl=sl)
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "STOP_LOSS_WRONG_SIDE")
    assert desk.accepted() == 0


def test_f55_price_that_passes_the_stop_before_it_can_be_placed_closes_at_the_market(
    desk: Desk, venue: str
) -> None:
    """The entry is filled, the market falls through the stop, and only then the first guard is due."""
    opened(desk, venue, sl="49000")
    desk.price("BTC/USDT", 48_000)
    desk.protect()
    assert desk.guards() == [], "a stop that would fire at once is not sent"
    desk.close_wanted()
    position = desk.position()
    assert position.status is PositionStatus.CLOSED
    assert position.closed_reason is ClosedReason.STOP_LOSS
    assert desk.sent() == 2
    nothing_is_left(desk)


def test_position_where_no_stop_may_rest_says_why(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    of = VenueClass("sandbox", "local")
    with set_up(desk, of, monkeypatch):
        position_at(desk, of, sl="49000")
        position = desk.position()
        assert position.protection is Protection.LOCAL
        assert position.protection_note == (
            "Portico watches the stop every minute: no stop may rest at this exchange"
        )
        assert desk.guards() == []
