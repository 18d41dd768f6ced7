"""What one trade does to balances and positions, fee included. Pure bookkeeping: no matching, no I/O."""

from decimal import Decimal

from portal.exchanges.sandbox.accounts import Account, Position
from portal.exchanges.sandbox.funds import release
from portal.exchanges.sandbox.numbers import ZERO, cut
from portal.exchanges.sandbox.orders import Order

#: fee, fee asset, realized profit
Settled = tuple[Decimal, str, Decimal]


def settle(
    account: Account, order: Order, price: Decimal, quantity: Decimal, maker: bool, fee_price: Decimal
) -> Settled:
    """Books one trade of `order` and returns its fee and realized profit. `fee_price` is what the coin is
    worth in which the account pays its fees, when it has chosen one."""
    rate = order.market.maker_fee if maker else order.market.taker_fee
    chosen = account.fee_asset
    book = _settle_perp if order.market.is_perp else _settle_spot
    fee, fee_asset, profit = book(account, order, price, quantity, ZERO if chosen else rate)
    if chosen:
        fee, fee_asset = cut(price * quantity * rate / fee_price), chosen
        account.balance(chosen).free -= fee
    return fee, fee_asset, profit


def _settle_spot(account: Account, order: Order, price: Decimal, quantity: Decimal, rate: Decimal) -> Settled:
    market = order.market
    cost = price * quantity
    reserved = (order.price * quantity if order.is_priced else cost) if order.is_buy else quantity
    release(account, order, reserved)
    if order.is_buy:
        fee = cut(quantity * rate)
        account.balance(market.quote).free -= cost
        account.balance(market.base).free += quantity - fee
        return fee, market.base, ZERO
    fee = cut(cost * rate)
    account.balance(market.base).free -= quantity
    account.balance(market.quote).free += cost - fee
    return fee, market.quote, ZERO


def _settle_perp(account: Account, order: Order, price: Decimal, quantity: Decimal, rate: Decimal) -> Settled:
    wallet = account.futures
    if order.locked:
        release(account, order, cut(order.locked * quantity / order.remaining))
    position = wallet.position(order.market.symbol, order.position_side)
    # Cut to what the trade reports, so that the wallet is exactly the sum of the reported trades.
    profit = cut(change_position(position, quantity if order.is_buy else -quantity, price))
    fee = cut(price * quantity * rate)
    wallet.balance += profit - fee
    return fee, order.market.quote, profit


def change_position(position: Position, delta: Decimal, price: Decimal) -> Decimal:
    """Adds the signed `delta` at `price` and returns the profit of what it closed."""
    held = position.quantity
    if held == ZERO or (held > ZERO) == (delta > ZERO):
        position.entry_price = (abs(held) * position.entry_price + abs(delta) * price) / abs(held + delta)
        position.quantity = held + delta
        return ZERO
    closed = min(abs(held), abs(delta))
    profit = (price - position.entry_price) * (closed if held > ZERO else -closed)
    position.quantity = held + delta
    if abs(delta) > abs(held):
        position.entry_price = price
    elif position.quantity == ZERO:
        position.entry_price = ZERO
    return profit
