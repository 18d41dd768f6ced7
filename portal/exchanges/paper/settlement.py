"""What one fill does to the account: balances, position, fee, and the order itself. Pure arithmetic."""

from datetime import datetime
from decimal import Decimal

from portal.exchanges.paper.account import (
    ZERO,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    money,
)
from portal.exchanges.paper.funds import position_of
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact
from portal.trading.types import MarketType, OrderState, Side


def settle(
    account: PaperAccount,
    order: PaperOrder,
    instrument: Instrument,
    quantity: Decimal,
    price: Decimal,
    *,
    is_maker: bool,
    now: datetime,
) -> None:
    """Book `quantity` of `order` at `price`. The caller has made sure that it can be paid for."""
    rate = instrument.maker_fee if is_maker else instrument.taker_fee
    book = _spot if instrument.market_type is MarketType.SPOT else _swap
    with exact():
        currency, fee = book(account, order, instrument, quantity, price, rate)
        order.filled_value = money(order.filled_value + quantity * price)
    order.filled_quantity += quantity
    order.fill_count += 1
    order.matched_at = order.updated_at = now
    order.state = OrderState.PARTIALLY_FILLED
    account.fills.append(
        PaperFill(
            order.number, order.fill_count, order.symbol, order.side, quantity, price, currency, fee,
            is_maker, now,
        )
    )  # fmt: skip
    if not order.remaining:
        order.end(OrderState.FILLED, now)


def _spot(
    account: PaperAccount,
    order: PaperOrder,
    instrument: Instrument,
    quantity: Decimal,
    price: Decimal,
    rate: Decimal,
) -> tuple[str, Decimal]:
    """The fee is taken out of what is received."""
    value = money(quantity * price)
    if order.side is Side.BUY:
        fee = money(quantity * rate)
        account.credit(instrument.quote, -value)
        account.credit(instrument.base, quantity - fee)
        return instrument.base, fee
    fee = money(value * rate)
    account.credit(instrument.base, -quantity)
    account.credit(instrument.quote, value - fee)
    return instrument.quote, fee


def _swap(
    account: PaperAccount,
    order: PaperOrder,
    instrument: Instrument,
    quantity: Decimal,
    price: Decimal,
    rate: Decimal,
) -> tuple[str, Decimal]:
    position = position_of(account, order)
    if position is None:
        raise ValueError(f"order {order.number} has no position to be booked on")
    fee = money(quantity * price * position.contract_size * rate)
    account.credit(position.settle, trade(position, quantity * order.sign, price) - fee)
    return position.settle, fee


def trade(position: PaperPosition, change: Decimal, price: Decimal) -> Decimal:
    """Move a position by a signed quantity at `price`; returns the profit that this realizes.

    The cost that leaves is what was paid in, so that after the last exit nothing is left of it."""
    with exact():
        realized = ZERO
        if position.quantity * change < 0:
            closed = min(abs(change), abs(position.quantity))
            direction = 1 if position.quantity > 0 else -1
            whole = closed == abs(position.quantity)
            cost = position.cost if whole else money(position.cost * closed / abs(position.quantity))
            realized = direction * (money(closed * price * position.contract_size) - cost)
            position.cost -= cost
            position.quantity -= direction * closed
            change += direction * closed
        position.quantity += change
        position.cost += money(abs(change) * price * position.contract_size)
        return realized
