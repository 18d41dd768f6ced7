"""Reserves money for orders and gives back what they no longer need. Settling trades is in `settlement`."""

from decimal import Decimal

from portal.exchanges.sandbox.accounts import Account, FuturesWallet, Position
from portal.exchanges.sandbox.errors import VenueError
from portal.exchanges.sandbox.numbers import ZERO, cut
from portal.exchanges.sandbox.orders import Order
from portal.exchanges.sandbox.prices import PriceBoard

MAINTENANCE_RATE = Decimal("0.004")


def reserve_spot(account: Account, order: Order, amount: Decimal) -> None:
    """Locks `amount` of what the order spends. Raises -2010 when it is not there."""
    asset = order.market.quote if order.is_buy else order.market.base
    held = account.balance(asset)
    if held.free < amount:
        raise VenueError(-2010, "Account has insufficient balance for requested action.")
    held.free -= amount
    held.locked += amount
    order.locked_asset = asset
    order.locked = amount


def reserve_margin(account: Account, order: Order, prices: PriceBoard, price: Decimal, hold: bool) -> None:
    """Checks (and, for an order that will rest, holds) the margin of what the order opens. Raises -2019."""
    wallet = account.futures
    market = order.market
    opening = opening_quantity(wallet, order, order.quantity)
    notional = opening * price
    margin = cut(notional / wallet.leverage_of(market.symbol))
    if opening and margin + notional * market.taker_fee > available_margin(wallet, prices):
        raise VenueError(-2019, "Margin is insufficient.")
    if hold:
        order.locked_asset = market.quote
        order.locked = margin
        wallet.order_margin += margin


def release(account: Account, order: Order, part: Decimal | None = None) -> None:
    """Gives back `part` of what is reserved for the order, or all of it."""
    amount = order.locked if part is None else min(part, order.locked)
    if not amount:
        return
    order.locked -= amount
    if order.market.is_perp:
        account.futures.order_margin -= amount
        return
    held = account.balance(order.locked_asset)
    held.locked -= amount
    held.free += amount


def opening_quantity(wallet: FuturesWallet, order: Order, quantity: Decimal) -> Decimal:
    """The part of `quantity` that enlarges the position instead of closing it."""
    held = wallet.position(order.market.symbol, order.position_side).quantity
    if order.reduce_only or order.close_position:
        return ZERO
    if order.position_side != "BOTH":
        return quantity if order.is_buy == (order.position_side == "LONG") else ZERO
    if held == ZERO or (held > ZERO) == order.is_buy:
        return quantity
    return max(ZERO, quantity - abs(held))


def closable_quantity(wallet: FuturesWallet, order: Order) -> Decimal:
    """How much of the position the order could close: zero when it points the same way or nothing is held."""
    held = wallet.position(order.market.symbol, order.position_side).quantity
    if held == ZERO or (held > ZERO) == order.is_buy:
        return ZERO
    return abs(held)


def unrealized(position: Position, prices: PriceBoard) -> Decimal:
    if not position.quantity:
        return ZERO
    return (prices.last(position.symbol) - position.entry_price) * position.quantity


def position_margin(wallet: FuturesWallet, position: Position, prices: PriceBoard) -> Decimal:
    if not position.quantity:
        return ZERO
    return abs(position.quantity) * prices.last(position.symbol) / wallet.leverage_of(position.symbol)


def total_unrealized(wallet: FuturesWallet, prices: PriceBoard) -> Decimal:
    return sum((unrealized(position, prices) for position in wallet.positions.values()), ZERO)


def total_position_margin(wallet: FuturesWallet, prices: PriceBoard) -> Decimal:
    return sum((position_margin(wallet, position, prices) for position in wallet.positions.values()), ZERO)


def maintenance_margin(position: Position, prices: PriceBoard) -> Decimal:
    if not position.quantity:
        return ZERO
    return abs(position.quantity) * prices.last(position.symbol) * MAINTENANCE_RATE


def available_margin(wallet: FuturesWallet, prices: PriceBoard) -> Decimal:
    """USDT that can still open positions."""
    equity = wallet.balance + total_unrealized(wallet, prices)
    return max(ZERO, equity - total_position_margin(wallet, prices) - wallet.order_margin)
