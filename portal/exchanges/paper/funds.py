"""What an order needs, and what is held back for it while it rests. Pure arithmetic."""

from decimal import Decimal

from portal.exchanges.paper.account import NET, ZERO, PaperAccount, PaperOrder, PaperPosition, money
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact
from portal.trading.types import MarketType, Side

_BPS = Decimal(10_000)


def position_of(account: PaperAccount, order: PaperOrder) -> PaperPosition | None:
    return account.positions.get((order.symbol, order.bucket))


def closable(account: PaperAccount, order: PaperOrder) -> Decimal:
    """How much of the position the order is directed against."""
    position = position_of(account, order)
    if position is None or position.quantity * order.sign >= 0:
        return ZERO
    return abs(position.quantity)


def currency_of(order: PaperOrder, instrument: Instrument) -> str:
    """What pays for the order: what is sold on spot, else the cash."""
    if instrument.market_type is MarketType.SPOT and order.side is Side.SELL:
        return instrument.base
    return instrument.cash_currency


def reserve(account: PaperAccount, order: PaperOrder, instrument: Instrument, slippage_bps: Decimal) -> None:
    """Hold back what the rest of the order may need, as things are now."""
    order.reserved_currency = currency_of(order, instrument)
    worst = order.price if order.price is not None else _worst_after_trigger(order, slippage_bps)
    order.reserved = needed(account, order, instrument, order.remaining, worst)


def needed(
    account: PaperAccount, order: PaperOrder, instrument: Instrument, quantity: Decimal, price: Decimal
) -> Decimal:
    """What filling `quantity` at `price` takes from the free balance, fees of spot buys aside (they are
    paid out of what is bought)."""
    with exact():
        if instrument.market_type is MarketType.SPOT:
            return quantity if order.side is Side.SELL else money(quantity * price)
        position = position_of(account, order)
        opening = max(quantity - closable(account, order), ZERO)
        if order.reduce_only or not opening or position is None:
            return ZERO
        value = opening * price * instrument.contract_size
        return money(value / position.leverage + value * instrument.taker_fee)


def _worst_after_trigger(order: PaperOrder, slippage_bps: Decimal) -> Decimal:
    trigger = order.trigger_price or ZERO
    return trigger * (1 + slippage_bps / _BPS) if order.side is Side.BUY else trigger


def bucket_of(position_side: str | None, *, hedge: bool) -> str:
    """Which of the account's positions in a market an order is about."""
    return position_side if hedge and position_side else NET
