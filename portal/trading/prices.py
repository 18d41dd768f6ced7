"""Reference prices, distances in basis points, ticks and bands."""

from decimal import Decimal

from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact
from portal.trading.orders import Ticker
from portal.trading.types import PositionSide, Side

# Used where the venue names no band of its own: as wide as the widest price filters of the large venues,
# narrow enough to catch a slipped decimal point.
BAND_LOW, BAND_HIGH = Decimal("0.2"), Decimal(5)


def reference_price(ticker: Ticker, side: Side) -> Decimal | None:
    """What a market order would meet: best ask for a buy, best bid for a sell, else the last price."""
    best = ticker.ask if side is Side.BUY else ticker.bid
    return best if best is not None else ticker.last


def adverse_bps(side: Side, expected: Decimal, price: Decimal) -> Decimal:
    """How much worse than `expected` a trade at `price` is, in basis points; negative when it is better."""
    with exact():
        worse = price - expected if side is Side.BUY else expected - price
        return worse * 10_000 / expected


def spread_bps(bid: Decimal, ask: Decimal) -> Decimal:
    """Gap between bid and ask, in basis points of the middle."""
    with exact():
        return (ask - bid) * 20_000 / (ask + bid)


def order_price(instrument: Instrument, price: Decimal, side: Side, market: Decimal) -> Decimal | Denial:
    """`price` on the tick, never worse for the owner (down for a buy, up for a sell), inside the venue's
    limits and within a factor of five of the `market` price."""
    rounded = instrument.round_price(price, side)
    low = max(instrument.min_price or Decimal(0), instrument.tick_size, market * BAND_LOW)
    high = min(instrument.max_price or market * BAND_HIGH, market * BAND_HIGH)
    if low <= rounded <= high:
        return rounded
    return deny(DenialCode.PRICE_OUT_OF_BAND, price=rounded, low=low, high=high)


def is_gain(position_side: PositionSide, entry: Decimal, price: Decimal) -> bool:
    """True when a position opened at `entry` would win at `price`."""
    return (price - entry) * position_side.sign > 0


def worst_price(reference: Decimal, side: Side, slippage_bps: Decimal, instrument: Instrument) -> Decimal:
    """The worst price at which a market order may fill: `slippage_bps` beyond `reference`, on the tick
    inside."""
    with exact():
        sign = 1 if side is Side.BUY else -1
        return instrument.round_price(reference * (1 + sign * slippage_bps / 10_000), side)
