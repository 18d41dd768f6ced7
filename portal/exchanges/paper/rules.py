"""What the paper venue refuses before it looks at the market: the real venue's own rules, and what is not
simulated. Pure; raises ExchangeError with outcome NOT_PLACED."""

from decimal import Decimal

from portal.exchanges.errors import ErrorCode
from portal.exchanges.paper.refusals import invalid, refused, unsupported
from portal.trading.instrument import Instrument, floor_to
from portal.trading.numbers import text
from portal.trading.orders import OrderRequest
from portal.trading.types import MarketType, OrderType, PositionMode

_MOST_LEVERAGE = Decimal(125)


def check_rules(
    request: OrderRequest, instrument: Instrument, reference: Decimal, mode: PositionMode
) -> None:
    """Refuse what the venue would. `reference` is the price that its value is counted with."""
    if not instrument.active:
        raise refused(
            ErrorCode.MARKET_CLOSED, "MARKET_CLOSED", f"{instrument.symbol} is not open for trading."
        )
    _check_account(request, instrument, mode)
    _check_shape(request)
    _check_quantity(request.quantity, instrument)
    for price in (request.price, request.trigger_price):
        if price is not None:
            _check_price(price, instrument)
    value = instrument.notional(request.quantity, reference)
    least, most, worth = instrument.min_notional, instrument.max_notional, f"{text(value)} {instrument.quote}"
    if not request.reduce_only and least is not None and value < least:
        raise invalid("MIN_NOTIONAL", f"The order is worth {worth}; the least is {text(least)}.")
    if most is not None and value > most:
        raise invalid("MAX_NOTIONAL", f"The order is worth {worth}; the most is {text(most)}.")


def _check_account(request: OrderRequest, instrument: Instrument, mode: PositionMode) -> None:
    if instrument.market_type is MarketType.SPOT:
        if request.reduce_only or request.leverage is not None or request.margin_mode is not None:
            raise unsupported("Spot orders take no reduce-only mark, no leverage and no margin mode.")
        return
    if not instrument.linear:
        raise unsupported(f"{instrument.symbol} is an inverse contract; those are not simulated.")
    if request.position_mode is not mode or (mode is PositionMode.HEDGE and request.position_side is None):
        raise refused(
            ErrorCode.WRONG_POSITION_MODE,
            "WRONG_POSITION_MODE",
            f"The paper account is in {mode.value.replace('_', '-')} mode and the order is not.",
        )
    if request.leverage is not None and not 1 <= request.leverage <= _MOST_LEVERAGE:
        raise invalid("LEVERAGE", f"Leverage must be from 1 to {text(_MOST_LEVERAGE)}.")


def _check_shape(request: OrderRequest) -> None:
    if request.order_type is OrderType.LIMIT and request.price is None:
        raise invalid("PRICE_MISSING", "A limit order needs a price.")
    if request.order_type is OrderType.STOP and request.trigger_price is None:
        raise invalid("TRIGGER_PRICE_MISSING", "A stop order needs a trigger price.")
    if request.takes_profit:
        raise unsupported(
            "Resting orders that take profit are not simulated; Portico watches targets itself."
        )


def _check_quantity(quantity: Decimal, instrument: Instrument) -> None:
    if quantity <= 0 or instrument.floor_quantity(quantity) != quantity:
        raise invalid("LOT_SIZE", f"The quantity must be a multiple of {text(instrument.lot_size)}.")
    if instrument.min_quantity is not None and quantity < instrument.min_quantity:
        raise invalid("MIN_QUANTITY", f"The smallest quantity is {text(instrument.min_quantity)}.")
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        raise invalid("MAX_QUANTITY", f"The largest quantity is {text(instrument.max_quantity)}.")


def _check_price(price: Decimal, instrument: Instrument) -> None:
    if price <= 0 or floor_to(price, instrument.tick_size) != price:
        raise invalid("TICK_SIZE", f"Prices must be multiples of {text(instrument.tick_size)}.")
    low, high = instrument.min_price, instrument.max_price
    if (low is not None and price < low) or (high is not None and price > high):
        raise invalid("PRICE_BAND", f"{text(price)} is outside the prices that {instrument.symbol} allows.")
