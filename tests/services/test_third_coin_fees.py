"""Fees that the exchange takes in a third coin: counted at its price at that moment, with the source kept, or
kept apart and told. The exchange's own trades are the judge."""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from portal.db import db, end_read
from portal.models import Notification
from portal.services import books, positions
from portal.trading.types import NotificationType, PositionStatus
from tests.services.desk import Desk
from tests.services.protected import VENUES


def in_bnb(desk: Desk, venue: str) -> None:
    """An account that pays its fees in BNB, at 600.5 USDT each."""
    preset = desk.preset(market_type=VENUES[venue], sizing_mode="fixed", sizing_value=Decimal("0.01"))
    balances = {"USDT": "10000", "BNB": "5"}
    desk.account(exchange=venue, preset=preset, balances=balances, futures_balance="10000")
    desk.sandbox.update_account("alpha", fee_asset="BNB")
    desk.sandbox.set_book(spread_bps=0)
    desk.price("BTC/USDT", 50_000)
    desk.price("BNB/USDT", "600.5")


def charged(desk: Desk) -> Decimal:
    rows: list[dict[str, Any]] = desk.sandbox.fills(account="alpha")
    assert {row["fee_asset"] for row in rows} == {"BNB"}
    return sum((Decimal(row["fee"]) for row in rows), Decimal(0))


def uncounted() -> int:
    told = sa.select(Notification.title).where(Notification.type == NotificationType.ERROR)
    titles = list(db.session.execute(told).scalars())
    end_read()
    return sum("a fee is not counted" in title for title in titles)


def test_fee_in_a_third_coin_is_counted_at_its_price_with_its_source(desk: Desk, venue: str) -> None:
    in_bnb(desk, venue)
    desk.trade()
    positions.request_close(desk.position().id, actor=desk.admin)
    desk.close_wanted()

    position, fills = desk.position(), desk.fills()
    assert position.status is PositionStatus.CLOSED
    listed = [fee for fill in fills for fee in fill.fees]
    rates = {Decimal(fee["rate"]) for fee in listed}
    assert len(rates) == 1
    (rate,) = rates
    assert abs(rate - Decimal("600.5")) < 1
    assert all(fee["rate_source"].startswith("BNB/USDT") for fee in listed)
    assert sum(Decimal(fee["cost"]) for fee in listed) == charged(desk)
    assert position.fees == charged(desk) * rate
    sold = sum(fill.quantity * fill.price for fill in fills if fill.side.value == "sell")
    bought = sum(fill.quantity * fill.price for fill in fills if fill.side.value == "buy")
    assert position.realized_pnl == sold - bought - charged(desk) * rate
    assert uncounted() == 0
    assert books.verify() == []


def test_fee_whose_price_cannot_be_read_is_kept_apart_and_told_once(desk: Desk, venue: str) -> None:
    in_bnb(desk, venue)
    desk.trade()
    before = desk.position().fees
    desk.sandbox.add_fault("http_before", "ticker", status=503)
    positions.request_close(desk.position().id, actor=desk.admin)
    desk.close_wanted()

    position = desk.position()
    assert position.status is PositionStatus.CLOSED, "a price that is missing keeps nobody in"
    assert position.fees == before
    (last,) = [fill for fill in desk.fills() if fill.side.value == "sell"]
    assert [sorted(fee) for fee in last.fees] == [["cost", "currency"]]
    assert sum(Decimal(fee["cost"]) for fill in desk.fills() for fee in fill.fees) == charged(desk)
    assert uncounted() == 1
    assert books.verify() == []


def test_fee_of_a_lost_answer_is_priced_when_the_order_is_found(desk: Desk, venue: str) -> None:
    in_bnb(desk, venue)
    desk.sandbox.add_fault("accept_no_answer", count=1)
    desk.trade()
    desk.later(2)
    desk.resolve_due()
    (fee,) = [fee for fill in desk.fills() for fee in fill.fees]
    assert Decimal(fee["rate"]) > 0
    assert desk.position().fees == Decimal(fee["cost"]) * Decimal(fee["rate"])
    assert desk.accepted() == 1
    assert books.verify() == []
