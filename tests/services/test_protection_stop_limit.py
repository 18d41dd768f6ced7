"""Venues that have stops with a limit price only: the limit is wide enough to get out, and when the price
jumps over it all the same, the second line closes at the market."""

from dataclasses import replace
from decimal import Decimal

import pytest

from portal.exchanges import venues_table
from portal.trading.types import ClosedReason, PositionStatus, Protection
from tests.services import protected
from tests.services.desk import Desk
from tests.services.protected import closing_fills, guarded, minute, nothing_is_left


@pytest.fixture(params=list(protected.VENUES))
def venue(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The practice exchange, as if it had no stop-market orders."""
    name = str(request.param)
    entries = venues_table._ENTRIES
    monkeypatch.setitem(entries, name, replace(entries[name], stop_needs_price=True))
    return name


def test_stop_limit_when_the_price_passes_it_gets_out(desk: Desk, venue: str) -> None:
    guarded(desk, venue, sl="49000")
    (stop,) = desk.guards()
    assert (stop.trigger_price, stop.price) == (49_000, Decimal("46550"))
    desk.price("BTC/USDT", 48_500)
    minute(desk)
    assert desk.position().closed_reason is ClosedReason.STOP_LOSS
    assert desk.sent() == 1
    nothing_is_left(desk)


def test_stop_limit_when_the_price_jumps_over_it_is_replaced_by_a_market_order(
    desk: Desk, venue: str
) -> None:
    """F55: triggered, and not filled."""
    guarded(desk, venue, sl="49000")
    desk.price("BTC/USDT", 45_000)
    minute(desk)
    assert desk.position().status is PositionStatus.OPEN
    assert closing_fills(desk) == []
    desk.later(45)
    minute(desk)
    position = desk.position()
    assert position.closed_reason is ClosedReason.STOP_LOSS
    assert position.protection is Protection.NATIVE
    assert len(closing_fills(desk)) == 1
    assert desk.sent() == 2
    nothing_is_left(desk)
    desk.price("BTC/USDT", 47_000)
    minute(desk)
    assert len(closing_fills(desk)) == 1, "what had triggered was taken off"
