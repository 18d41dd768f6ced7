"""Taking a new order: refuse it, fill it at once, or let it rest. Pure; the caller commits the account, or
throws it away when this raises."""

from datetime import datetime
from decimal import Decimal

from portal.exchanges.paper import funds, matching
from portal.exchanges.paper.account import PaperAccount, PaperOrder, PaperPosition
from portal.exchanges.paper.refusals import insufficient, invalid, without_price, would_not_reduce
from portal.exchanges.paper.rules import check_rules
from portal.exchanges.paper.settings import PaperSettings
from portal.trading.instrument import Instrument
from portal.trading.orders import OrderRequest, Ticker
from portal.trading.types import MarketType, OrderType, PositionMode, TimeInForce


def accept(
    account: PaperAccount,
    request: OrderRequest,
    instrument: Instrument,
    ticker: Ticker | None,
    settings: PaperSettings,
    now: datetime,
) -> PaperOrder:
    """The accepted order, filled as far as the market goes. Raises ExchangeError, NOT_PLACED."""
    if ticker is None or ticker.mark_price is None or not matching.is_usable(ticker, now):
        raise without_price(request.symbol)
    reference = request.price or request.trigger_price or ticker.mark_price
    check_rules(request, instrument, reference, account.position_mode)
    order = _order(account, request, now)
    if instrument.market_type is MarketType.SWAP:
        _prepare_position(account, order, request, instrument)
    if order.waits_for_trigger and matching.is_reached(order.side, order.trigger_price, ticker):
        raise invalid("WOULD_TRIGGER", "The stop would trigger at once: the price has passed it already.")
    _check_funds(account, order, instrument, ticker, settings)
    account.orders[order.number] = order
    if order.waits_for_trigger:
        funds.reserve(account, order, instrument, settings.slippage_bps)
    else:
        matching.execute(account, order, instrument, ticker, settings, now, rested=False)
    return order


def _order(account: PaperAccount, request: OrderRequest, now: datetime) -> PaperOrder:
    hedge = account.position_mode is PositionMode.HEDGE and ":" in request.symbol
    # In hedge mode the way out of a position can only ever reduce it.
    exits = hedge and request.position_side is not None and request.side is request.position_side.exit_side
    bare = request.order_type is OrderType.MARKET or (
        request.order_type is OrderType.STOP and request.price is None
    )
    return PaperOrder(
        number=account.next_number(),
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        bucket=funds.bucket_of(request.position_side, hedge=hedge),
        side=request.side,
        order_type=request.order_type,
        time_in_force=TimeInForce.STANDARD if bare else request.time_in_force,
        quantity=request.quantity,
        price=None if bare else request.price,
        trigger_price=request.trigger_price if request.order_type is OrderType.STOP else None,
        reduce_only=request.reduce_only or exits,
        placed_at=now,
        updated_at=now,
    )


def _prepare_position(
    account: PaperAccount, order: PaperOrder, request: OrderRequest, instrument: Instrument
) -> None:
    """The row that its fills go to, with the leverage that the order names."""
    if order.reduce_only and not funds.closable(account, order):
        raise would_not_reduce(order.symbol)
    position = account.positions.setdefault(
        (order.symbol, order.bucket),
        PaperPosition(order.symbol, order.bucket, instrument.settle, instrument.contract_size),
    )
    if request.leverage is not None:
        position.leverage = request.leverage


def _check_funds(
    account: PaperAccount,
    order: PaperOrder,
    instrument: Instrument,
    ticker: Ticker,
    settings: PaperSettings,
) -> None:
    currency = funds.currency_of(order, instrument)
    worst = _worst(order, instrument, ticker, settings)
    need = funds.needed(account, order, instrument, order.quantity, worst)
    free = account.free(currency)
    if need and need > free:
        raise insufficient(currency, need, free)


def _worst(order: PaperOrder, instrument: Instrument, ticker: Ticker, settings: PaperSettings) -> Decimal:
    """The highest price that a buy may come to cost; sells are counted by their quantity or this too."""
    if order.price is not None:
        return order.price
    best = order.trigger_price or ticker.ask or ticker.last or ticker.mark_price or Decimal(0)
    return matching.slipped(best, order.side, instrument, settings.slippage_bps)
