"""When a futures position is taken away: a watched price, and an exact check once it is reached."""

from dataclasses import dataclass
from decimal import Decimal

from portal.exchanges.sandbox.accounts import Account, FuturesWallet, Position
from portal.exchanges.sandbox.exchange import Exchange
from portal.exchanges.sandbox.funds import MAINTENANCE_RATE, maintenance_margin, total_unrealized
from portal.exchanges.sandbox.numbers import ZERO


@dataclass(slots=True, eq=False)
class PositionWatch:
    """Waits for the price at which a position might be liquidated."""

    account: Account
    symbol: str
    position_side: str

    @property
    def position(self) -> Position:
        return self.account.futures.position(self.symbol, self.position_side)


def liquidation_price(wallet: FuturesWallet, position: Position) -> Decimal:
    """Price at which the backing of the position is used up; zero when no price does that."""
    held = position.quantity
    if not held:
        return ZERO
    backing = wallet.balance
    if position.symbol in wallet.isolated:
        backing = abs(held) * position.entry_price / wallet.leverage_of(position.symbol)
    price = (held * position.entry_price - backing) / (held - MAINTENANCE_RATE * abs(held))
    return max(ZERO, price)


def watch_position(exchange: Exchange, account: Account, symbol: str, position_side: str) -> None:
    """Watches the position as it is now; earlier watches of it find nothing to do."""
    position = account.futures.position(symbol, position_side)
    level = liquidation_price(account.futures, position)
    if level == ZERO:
        return
    waiting = exchange.waiting[f"perp:{symbol}"]
    heap = waiting.triggers_down if position.quantity > ZERO else waiting.triggers_up
    heap.add(level, PositionWatch(account, symbol, position_side))


def must_liquidate(exchange: Exchange, watch: PositionWatch) -> bool:
    """The exact check: is the margin below what the open positions must keep?"""
    wallet = watch.account.futures
    position = watch.position
    if not position.quantity:
        return False
    price = exchange.prices.last(watch.symbol)
    if watch.symbol in wallet.isolated:
        level = liquidation_price(wallet, position)
        return price <= level if position.quantity > ZERO else price >= level
    needed = sum((maintenance_margin(other, exchange.prices) for other in wallet.positions.values()), ZERO)
    return wallet.balance + total_unrealized(wallet, exchange.prices) <= needed
