"""From buy and sell to legs."""

import pytest

from portal.trading.denials import Denial, DenialCode
from portal.trading.direction import Leg, entry_leg, exit_leg
from portal.trading.types import MarketType, PositionMode, PositionSide, Side
from tests.trading.factories import D

SPOT, SWAP = MarketType.SPOT, MarketType.SWAP
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


@pytest.mark.parametrize("mode", PositionMode)
@pytest.mark.parametrize(("direction", "position_side"), [(Side.BUY, LONG), (Side.SELL, SHORT)])
def test_a_swap_entry_opens_in_its_own_direction(
    mode: PositionMode, direction: Side, position_side: PositionSide
) -> None:
    leg = entry_leg(direction, SWAP, mode)
    assert leg == Leg(direction, position_side, reduce_only=False, position_mode=mode)
    assert leg.opens


def test_a_spot_buy_opens_a_long() -> None:
    assert entry_leg(Side.BUY, SPOT, PositionMode.HEDGE) == Leg(Side.BUY, LONG, reduce_only=False)


def test_a_spot_sell_sells_holdings_and_opens_nothing() -> None:
    leg = entry_leg(Side.SELL, SPOT, PositionMode.ONE_WAY, D("0.1"))
    assert leg == Leg(Side.SELL, LONG, reduce_only=False)
    assert not leg.opens


@pytest.mark.parametrize("free_base", [None, D(0)])
def test_a_spot_sell_without_holdings_is_denied(free_base: object) -> None:
    denial = entry_leg(Side.SELL, SPOT, PositionMode.ONE_WAY, free_base)  # type: ignore[arg-type]
    assert isinstance(denial, Denial)
    assert denial.code is DenialCode.NOTHING_TO_SELL


@pytest.mark.parametrize("mode", PositionMode)
@pytest.mark.parametrize("side", PositionSide)
def test_an_exit_of_a_swap_may_only_reduce(mode: PositionMode, side: PositionSide) -> None:
    leg = exit_leg(side, SWAP, mode)
    assert leg == Leg(side.exit_side, side, reduce_only=True, position_mode=mode)
    assert not leg.opens


def test_an_exit_on_spot_asks_for_no_reduce_only() -> None:
    assert exit_leg(LONG, SPOT, PositionMode.ONE_WAY) == Leg(Side.SELL, LONG, reduce_only=False)
