"""The minute check: in bulk, with few reads, and one bad venue delays no other."""

import pytest

from portal.db import end_read
from portal.services import monitor
from portal.trading.types import PositionStatus
from tests.services.desk import Desk


def test_check_when_many_accounts_hold_many_symbols_reads_prices_once_per_venue(desk: Desk) -> None:
    preset = desk.sized(200)
    for name in ("alpha", "beta", "gamma"):
        desk.account(name, preset=preset)
    for pair in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
        desk.publish(currency_pair=pair)
    desk.run_all()
    assert len(desk.positions()) == 9
    end_read()
    monitor.check_positions()  # opens the price client
    desk.sandbox.reset_requests()
    checked = monitor.check_positions()
    assert (checked.venues, checked.markets, checked.marked) == (1, 3, 9)
    assert checked.looked_at == 0
    assert desk.sandbox.requests()["total"] == 1


def test_check_when_one_venue_fails_still_serves_the_others(desk: Desk) -> None:
    desk.account("alpha", preset=desk.sized(500))
    desk.price("BTC/USDT", 50_000)
    desk.trade(sl="49000")
    other = desk.position()
    other.exchange_name = "binance"
    from portal.db import db

    db.session.commit()
    desk.account("beta")
    desk.publish(sl="49000")
    desk.run_all()
    desk.price("BTC/USDT", 48_500)
    end_read()
    checked = monitor.check_positions()
    assert checked.failed_venues == 1
    desk.close_wanted()
    statuses = {
        each.connection_name: each.status for each in desk.positions() if each.exchange_name == "sandbox"
    }
    assert set(statuses.values()) == {PositionStatus.CLOSED}


def test_check_when_prices_cannot_be_read_closes_nothing(desk: Desk) -> None:
    desk.account()
    desk.price("BTC/USDT", 50_000)
    desk.trade(sl="49000")
    desk.price("BTC/USDT", 40_000)
    desk.sandbox.add_fault("http_before", "ticker", status=503)
    desk.watch()
    assert desk.position().status is PositionStatus.OPEN
    assert desk.accepted() == 1


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_unrealized_result_when_marked_in_bulk_equals_the_book(desk: Desk, side: str) -> None:
    from portal.services.books_of import book_of

    desk.account(
        exchange="sandboxusdm",
        preset=desk.sized(700, market_type="swap"),
    )
    desk.price("BTC/USDT", 50_000)
    desk.trade(direction=side)
    desk.price("BTC/USDT", 50_777)
    desk.watch()
    position = desk.position()
    assert position.mark_price is not None
    expected = book_of(position, desk.fills()).unrealized_pnl(position.mark_price)
    assert position.unrealized_pnl == expected
    assert position.unrealized_pnl != 0
