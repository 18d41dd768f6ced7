"""What can be traded: a market and its trading rules, spot or perpetual."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Kind = Literal["spot", "perp"]


@dataclass(slots=True, eq=False)
class Market:
    """One instrument. Quantities are in the base asset, prices and notionals in the quote asset. Its rules
    may change while it trades; one object stays one market."""

    symbol: str
    kind: Kind
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    min_notional: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    #: How far a limit price may be from the market, as multipliers.
    band_up: Decimal
    band_down: Decimal
    taker_fee: Decimal
    maker_fee: Decimal
    #: Notional that rests on each level of the synthetic book, in the quote asset.
    depth_notional: Decimal
    active: bool = True

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.symbol}"

    @property
    def is_perp(self) -> bool:
        return self.kind == "perp"

    @property
    def min_quantity(self) -> Decimal:
        return self.lot_size


def places(step: Decimal) -> int:
    """Number of decimals of a step such as 0.001."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
