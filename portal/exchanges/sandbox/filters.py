"""The trading rules of a market, in Binance's words: spot answers -1013, futures have a code per rule."""

from decimal import Decimal

from portal.exchanges.sandbox.errors import VenueError
from portal.exchanges.sandbox.numbers import ZERO
from portal.exchanges.sandbox.orders import Order


def check(order: Order, market_price: Decimal) -> None:
    """Raises VenueError when `order` breaks a rule. `market_price` values orders without a price."""
    if order.market.is_perp:
        _check_perp(order, market_price)
    else:
        _check_spot(order, market_price)


def _spot_failure(name: str) -> VenueError:
    return VenueError(-1013, f"Filter failure: {name}")


def _check_spot(order: Order, market_price: Decimal) -> None:
    market = order.market
    if not market.active:
        raise VenueError(-1013, "Market is closed.")
    if order.is_priced or order.trigger_price:
        _check_spot_prices(order, market_price)
    if order.quote_quantity:
        if order.quote_quantity < market.min_notional:
            raise _spot_failure("NOTIONAL")
        return
    quantity = order.quantity
    if not market.min_quantity <= quantity <= market.max_quantity or quantity % market.lot_size:
        raise _spot_failure("LOT_SIZE")
    if not order.is_priced and order.quantity > market.market_max_quantity:
        raise _spot_failure("MARKET_LOT_SIZE")
    valued = order.price if order.is_priced else (order.trigger_price or market_price)
    if valued * order.quantity < market.min_notional:
        raise _spot_failure("NOTIONAL")


def _check_spot_prices(order: Order, market_price: Decimal) -> None:
    market = order.market
    for price in (order.price if order.is_priced else None, order.trigger_price or None):
        if price is not None and (price <= ZERO or price % market.tick_size):
            raise _spot_failure("PRICE_FILTER")
    lowest, highest = market_price * market.band_down, market_price * market.band_up
    if order.is_priced and not lowest <= order.price <= highest:
        raise _spot_failure("PERCENT_PRICE_BY_SIDE")


def _check_perp(order: Order, market_price: Decimal) -> None:
    market = order.market
    if not market.active:
        raise VenueError(-4140, "Invalid symbol status for opening position.")
    if order.is_priced or order.trigger_price:
        _check_perp_prices(order, market_price)
    if order.close_position:
        return
    if order.quantity <= ZERO:
        raise VenueError(-4003, "Quantity less than or equal to zero.")
    if order.quantity % market.lot_size:
        raise VenueError(-1111, "Precision is over the maximum defined for this asset.")
    if order.quantity > (market.max_quantity if order.is_priced else market.market_max_quantity):
        raise VenueError(-4005, "Quantity greater than max quantity.")
    valued = order.price if order.is_priced else (order.trigger_price or market_price)
    if not order.reduce_only and valued * order.quantity < market.min_notional:
        least = format(market.min_notional, "f")
        raise VenueError(
            -4164, f"Order's notional must be no smaller than {least} (unless you choose reduce only)."
        )


def _check_perp_prices(order: Order, market_price: Decimal) -> None:
    market = order.market
    if order.is_priced and order.price <= ZERO:
        raise VenueError(-4001, "Price less than 0.")
    for price in (order.price if order.is_priced else ZERO, order.trigger_price):
        if price % market.tick_size:
            raise VenueError(-4014, "Price not increased by tick size.")
    if not order.is_priced:
        return
    highest, lowest = market_price * market.band_up, market_price * market.band_down
    if order.is_buy and order.price > highest:
        raise VenueError(-4016, f"Limit price can't be higher than {highest.quantize(market.tick_size)}.")
    if not order.is_buy and order.price < lowest:
        raise VenueError(-4024, f"Limit price can't be lower than {lowest.quantize(market.tick_size)}.")
