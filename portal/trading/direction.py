"""From "buy" or "sell" to an order's side and the position it opens or shrinks.

A spot account cannot be short. A spot sell signal with action `open` therefore sells what the account
holds, at most all of it, and opens nothing; with no holdings it is denied. Holdings that belong to an open
position of ours are sold by closing that position, not by a new entry (`checks` denies that).
"""

from dataclasses import dataclass
from decimal import Decimal

from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.types import MarketType, PositionMode, PositionSide, Side


@dataclass(frozen=True, slots=True)
class Leg:
    """How one order stands to a position. `reduce_only` is asked of the venue on derivatives only: spot has
    no such order. In hedge mode the position side already forbids a flip, and some venues refuse both
    together."""

    side: Side
    position_side: PositionSide
    reduce_only: bool
    position_mode: PositionMode = PositionMode.ONE_WAY

    @property
    def opens(self) -> bool:
        """False when a fill makes the position smaller."""
        return self.side is self.position_side.entry_side


def entry_leg(
    direction: Side, market_type: MarketType, position_mode: PositionMode, free_base: Decimal | None = None
) -> Leg | Denial:
    """The leg of an `open` signal. `free_base` is the free holding on spot; unknown counts as none."""
    if market_type is MarketType.SWAP:
        position_side = PositionSide.LONG if direction is Side.BUY else PositionSide.SHORT
        return Leg(direction, position_side, reduce_only=False, position_mode=position_mode)
    if direction is Side.SELL and (free_base is None or free_base <= 0):
        return deny(DenialCode.NOTHING_TO_SELL)
    return Leg(direction, PositionSide.LONG, reduce_only=False)


def exit_leg(position_side: PositionSide, market_type: MarketType, position_mode: PositionMode) -> Leg:
    """The leg that closes a position, wholly or in part."""
    if market_type is MarketType.SPOT:
        return Leg(position_side.exit_side, position_side, reduce_only=False)
    return Leg(position_side.exit_side, position_side, reduce_only=True, position_mode=position_mode)
