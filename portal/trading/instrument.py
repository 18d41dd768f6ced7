"""What a venue's rules make of a price and a quantity. Rounds itself, because ccxt rounds a price half up
(a buy limit may move up a tick) and truncates a quantity (measured on ccxt 4.5.90)."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from portal.trading.numbers import exact, plain
from portal.trading.types import MarketType, Side


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable market of one venue.

    `symbol` is ccxt's unified symbol (`BTC/USDT`, `BTC/USDT:USDT`). Quantities are in base currency on spot
    and in contracts on swaps, where `contract_size` says how much base (linear) or quote (inverse) one is.
    A limit of None means that the venue names none.
    """

    symbol: str
    base: str
    quote: str
    settle: str
    market_type: MarketType
    tick_size: Decimal
    lot_size: Decimal
    active: bool = True
    linear: bool = True
    contract_size: Decimal = Decimal(1)
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    taker_fee: Decimal = Decimal("0.001")
    maker_fee: Decimal = Decimal("0.001")

    def __post_init__(self) -> None:
        for name in ("tick_size", "lot_size", "contract_size"):
            value: Decimal = getattr(self, name)
            if not value.is_finite() or value <= 0:
                raise ValueError(f"{self.symbol}: {name} was {value}, must be a positive number")

    def floor_quantity(self, quantity: Decimal) -> Decimal:
        """The largest multiple of `lot_size` that is not above `quantity`."""
        return floor_to(quantity, self.lot_size)

    def round_price(self, price: Decimal, side: Side) -> Decimal:
        """To the tick that is not worse for the owner: down for a buy, up for a sell."""
        return floor_to(price, self.tick_size) if side is Side.BUY else ceil_to(price, self.tick_size)

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Value in quote currency; for inverse contracts one contract is worth `contract_size` quote."""
        with exact():
            if not self.linear:
                return quantity * self.contract_size
            return quantity * price * self.contract_size

    @property
    def cash_currency(self) -> str:
        """What pays for an order and counts its PnL: quote on spot, the settlement currency on swaps."""
        return self.quote if self.market_type is MarketType.SPOT else self.settle

    @property
    def unit(self) -> str:
        """What a quantity counts."""
        return unit_of(self.base, self.contract_size, linear=self.linear)


def unit_of(base: str, contract_size: Decimal, *, linear: bool) -> str:
    """What a quantity counts, for people: a contract of one base coin is that coin."""
    return base if linear and contract_size == 1 else "contracts"


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` not above `value`, exact."""
    with exact():
        return plain((value / step).to_integral_value(ROUND_FLOOR) * step)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` not below `value`, exact."""
    with exact():
        return plain(-(-value / step).to_integral_value(ROUND_FLOOR) * step)
