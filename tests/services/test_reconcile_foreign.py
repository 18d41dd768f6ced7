"""What is not ours is listed and told once, never traded, and entries do not mix with it. Liquidations and
accounts with both sides of a market."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from portal.db import db, end_read, transaction
from portal.models import ExecutionConnection, ForeignHolding, Order
from portal.services import books, reconciliation
from portal.trading.fields import FieldError
from portal.trading.limits import allows_foreign
from portal.trading.types import (
    ClosedReason,
    ExecutionStatus,
    ForeignKind,
    NotificationType,
    PositionMode,
    PositionSide,
    PositionStatus,
)
from tests.services.desk import Desk
from tests.services.protected import account, by_hand, opened
from tests.services.reconciled import connection_ids, cycle, notices, trade_by_hand

ETH = "ETH/USDT:USDT"


def foreign(*, there: bool = True) -> list[ForeignHolding]:
    rows = db.session.execute(
        sa.select(ForeignHolding).order_by(ForeignHolding.id).execution_options(populate_existing=True)
    ).scalars()
    return [row for row in rows if not there or row.gone_at is None]


def swap_account(desk: Desk, **values: Any) -> None:
    account(desk, "sandboxusdm", **values)
    desk.price("ETH/USDT", 2_000)


def allow_foreign() -> None:
    end_read()
    with transaction() as session:
        session.execute(sa.update(ExecutionConnection).values(settings={"allow_foreign": True}))


def test_f54_position_of_the_owner_when_seen_is_listed_and_told_once_and_left_alone(desk: Desk) -> None:
    opened(desk, "sandboxusdm")
    desk.price("ETH/USDT", 2_000)
    by_hand(desk, "sandboxusdm").create_order(ETH, "market", "buy", "0.5")
    before = desk.accepted()
    for _ in range(3):
        cycle(desk)
        desk.watch()
        desk.protect()
    (found,) = foreign()
    assert (found.kind, found.symbol, found.quantity) == (ForeignKind.POSITION, ETH, Decimal("0.5"))
    assert found.last_seen_at > found.first_seen_at
    (told,) = notices(NotificationType.CONNECTION)
    assert ETH in told.body
    assert desk.accepted() == before
    by_hand(desk, "sandboxusdm").create_order(ETH, "market", "sell", "0.5")
    cycle(desk)
    assert foreign() == []
    assert len(foreign(there=False)) == 1


def test_f54_order_of_the_owner_when_seen_is_listed_until_it_is_gone(desk: Desk) -> None:
    opened(desk, "sandboxusdm", sl="45000")
    desk.protect()
    client = by_hand(desk, "sandboxusdm")
    order = client.create_order("BTC/USDT:USDT", "limit", "buy", "0.01", "40000")
    cycle(desk)
    (found,) = foreign()
    assert (found.kind, found.exchange_order_id) == (ForeignKind.ORDER, str(order["id"]))
    assert found.price == Decimal(40_000)
    cycle(desk)
    assert len(notices(NotificationType.CONNECTION)) == 1, "our own guard is not foreign"
    client.cancel_order(order["id"], "BTC/USDT:USDT")
    cycle(desk)
    assert foreign() == []


def test_entry_where_a_foreign_position_is_would_mix_with_it_and_is_denied(desk: Desk) -> None:
    swap_account(desk)
    by_hand(desk, "sandboxusdm").create_order("BTC/USDT:USDT", "market", "buy", "0.01")
    before = desk.accepted()
    execution = desk.trade()
    assert (execution.status, execution.code) == (ExecutionStatus.DENIED, "FOREIGN_POSITION")
    assert "allow_foreign" in (execution.message or "")
    assert desk.accepted() == before
    assert desk.trade(currency_pair="ETH/USDT").status is ExecutionStatus.FILLED
    allow_foreign()
    assert desk.trade().status is ExecutionStatus.FILLED


def test_entry_after_the_foreign_position_is_gone_is_placed(desk: Desk) -> None:
    swap_account(desk)
    trade_by_hand(desk, "sandboxusdm", "buy", "0.01")
    assert desk.trade().status is ExecutionStatus.DENIED
    trade_by_hand(desk, "sandboxusdm", "sell", "0.01")
    cycle(desk)
    assert desk.trade().status is ExecutionStatus.FILLED


def test_position_made_larger_by_hand_keeps_our_size_and_lists_the_rest(desk: Desk) -> None:
    opened(desk, "sandboxusdm")
    held = desk.position().quantity
    trade_by_hand(desk, "sandboxusdm", "buy", "0.007")
    cycle(desk)
    cycle(desk)
    assert desk.position().quantity == held
    (found,) = foreign()
    assert found.quantity == Decimal("0.007")
    assert books.verify() == []


def test_entry_of_ours_that_fills_while_it_is_compared_is_not_foreign(desk: Desk) -> None:
    swap_account(desk)
    assert desk.trade(order_type="limit", open_price="49000").status is ExecutionStatus.OPEN
    desk.price("BTC/USDT", 48_900)
    (connection_id,) = connection_ids()
    past = sa.literal(timedelta(minutes=5), sa.Interval)
    with transaction() as session:
        session.execute(sa.update(Order).values(updated_at=Order.updated_at - past))
    result = reconciliation.reconcile(connection_id)
    assert result is not None
    assert (result.foreign, foreign(there=False)) == ([], [])
    assert desk.position().quantity == desk.held("alpha")


def test_position_turned_around_by_hand_is_closed_as_external_and_the_other_side_is_foreign(
    desk: Desk,
) -> None:
    opened(desk, "sandboxusdm")
    held = desk.position().quantity
    trade_by_hand(desk, "sandboxusdm", "sell", held + Decimal("0.004"))
    cycle(desk)
    cycle(desk)
    position = desk.position()
    assert (position.status, position.closed_reason) == (PositionStatus.CLOSED, ClosedReason.EXTERNAL)
    assert [(each.side.value, each.quantity) for each in foreign()] == [("sell", Decimal("0.004"))]
    assert books.verify() == []


def test_position_when_the_exchange_liquidates_it_is_recorded_as_that(desk: Desk) -> None:
    desk.account(
        exchange="sandboxusdm",
        futures_balance="120",
        preset=desk.sized(market_type="swap", leverage=20),
    )
    desk.price("BTC/USDT", 50_000)
    execution = desk.trade()
    assert execution.status is ExecutionStatus.FILLED, execution.message
    desk.price("BTC/USDT", 43_000)
    assert desk.held("alpha") == 0
    cycle(desk)
    assert desk.position().status is PositionStatus.OPEN
    cycle(desk)
    position = desk.position()
    assert (position.status, position.closed_reason) == (PositionStatus.LIQUIDATED, ClosedReason.LIQUIDATION)
    assert position.realized_pnl < -100
    assert len(notices(NotificationType.LIQUIDATION)) == 1
    assert desk.accepted() == 1
    assert books.verify() == []


def test_hedged_account_when_one_side_is_closed_by_hand_keeps_the_other(desk: Desk) -> None:
    swap_account(desk, position_mode=PositionMode.HEDGE)
    by_hand(desk, "sandboxusdm").set_position_mode(True)
    assert desk.trade().status is ExecutionStatus.FILLED
    assert desk.trade(direction="sell").status is ExecutionStatus.FILLED
    long, short = desk.positions()
    assert (long.position_side, short.position_side) == (PositionSide.LONG, PositionSide.SHORT)
    trade_by_hand(desk, "sandboxusdm", "sell", long.quantity, positionSide="LONG")
    trade_by_hand(desk, "sandboxusdm", "sell", "0.003", positionSide="SHORT")
    cycle(desk)
    cycle(desk)
    long, short = desk.positions()
    assert (long.status, long.closed_reason) == (PositionStatus.CLOSED, ClosedReason.EXTERNAL)
    assert short.status is PositionStatus.OPEN
    (found,) = foreign()
    assert (found.side.value, found.quantity) == ("sell", Decimal("0.003"))
    assert books.verify() == []


@pytest.mark.parametrize("value", ["yes", 1])
def test_setting_that_mixes_positions_when_it_is_no_truth_value_is_refused(value: object) -> None:

    assert allows_foreign({"allow_foreign": True})
    assert not allows_foreign({})
    with pytest.raises(FieldError, match="true or false"):
        allows_foreign({"allow_foreign": value})
