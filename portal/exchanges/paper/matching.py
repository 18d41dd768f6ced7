"""What the market does to the orders of an account when its prices are these. Pure: clock and prices are
handed in.

A taker fills at the best price plus slippage, never beyond its limit; an order that rested fills at its
own price once the market comes to it. A stop looks at the mark price."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from portal.exchanges.paper import funds
from portal.exchanges.paper.account import PaperAccount, PaperOrder
from portal.exchanges.paper.settings import PaperSettings
from portal.exchanges.paper.settlement import settle
from portal.trading.instrument import Instrument, ceil_to, floor_to
from portal.trading.numbers import exact
from portal.trading.orders import Ticker
from portal.trading.types import OrderState, Side, TimeInForce

#: No order is filled with a price older than this.
_OLDEST_PRICE = timedelta(seconds=120)
#: The market takes the next part of an order no sooner than this after the last.
_BETWEEN_PARTS = timedelta(seconds=1)
_BPS = Decimal(10_000)


def is_usable(ticker: Ticker | None, now: datetime) -> bool:
    """Whether anything may be filled with these prices."""
    return ticker is not None and ticker.mark_price is not None and ticker.observed_at >= now - _OLDEST_PRICE


def match(
    account: PaperAccount,
    instruments: Mapping[str, Instrument],
    tickers: Mapping[str, Ticker],
    settings: PaperSettings,
    now: datetime,
) -> None:
    """Let the market have every resting order that it reaches. May be repeated with the same prices."""
    for order in account.live_orders():
        instrument, ticker = instruments.get(order.symbol), tickers.get(order.symbol)
        if instrument is None or ticker is None or not is_usable(ticker, now):
            continue
        rested = not order.waits_for_trigger
        if order.is_live and trigger(order, ticker, now):
            execute(account, order, instrument, ticker, settings, now, rested=rested)
    for order in account.live_orders():
        # What it was to reduce is gone; at a real venue such an order goes with the position.
        if order.reduce_only and not funds.closable(account, order):
            order.end(OrderState.CANCELED, now)


def trigger(order: PaperOrder, ticker: Ticker, now: datetime) -> bool:
    """Fire a stop whose price is reached. True when the order stands in the market."""
    if not order.waits_for_trigger:
        return True
    if not is_reached(order.side, order.trigger_price, ticker):
        return False
    order.triggered_at = order.updated_at = now
    return True


def is_reached(side: Side, trigger_price: Decimal | None, ticker: Ticker) -> bool:
    """A stop buys when the price has risen to it and sells when it has fallen to it."""
    mark = ticker.mark_price
    if mark is None or trigger_price is None:
        return False
    return mark >= trigger_price if side is Side.BUY else mark <= trigger_price


def execute(
    account: PaperAccount,
    order: PaperOrder,
    instrument: Instrument,
    ticker: Ticker,
    settings: PaperSettings,
    now: datetime,
    *,
    rested: bool,
) -> None:
    """Fill what can be filled now, and end what must not rest. `rested`: it stood in the market before."""
    price = _price(order, instrument, ticker, settings, rested=rested)
    if price is not None and _is_paced(order, now):
        for part in _parts(account, order, instrument, settings):
            quantity = min(part, funds.closable(account, order)) if order.reduce_only else part
            if not quantity or not _can_pay(account, order, instrument, quantity, price):
                order.end(OrderState.CANCELED, now)
                return
            settle(account, order, instrument, quantity, price, is_maker=rested, now=now)
    if order.is_live and (order.time_in_force is not TimeInForce.STANDARD or _is_market(order)):
        order.end(OrderState.EXPIRED, now)
    if order.is_live:
        funds.reserve(account, order, instrument, settings.slippage_bps)


def _is_market(order: PaperOrder) -> bool:
    return order.price is None and not order.waits_for_trigger


def _is_paced(order: PaperOrder, now: datetime) -> bool:
    return order.matched_at is None or now - order.matched_at >= _BETWEEN_PARTS


def _can_pay(
    account: PaperAccount, order: PaperOrder, instrument: Instrument, quantity: Decimal, price: Decimal
) -> bool:
    """Prices moved since it was accepted, or other orders used the money."""
    need = funds.needed(account, order, instrument, quantity, price)
    return not need or need <= account.free(funds.currency_of(order, instrument)) + order.reserved


def _price(
    order: PaperOrder, instrument: Instrument, ticker: Ticker, settings: PaperSettings, *, rested: bool
) -> Decimal | None:
    """At what price the order fills now; None when the market is not there."""
    buys = order.side is Side.BUY
    best = (ticker.ask if buys else ticker.bid) or ticker.last or ticker.mark_price
    if best is None:
        return None
    limit = order.price
    if limit is not None and (best > limit if buys else best < limit):
        return None
    if limit is not None and rested:
        return limit
    worse = slipped(best, order.side, instrument, settings.slippage_bps)
    if limit is None:
        return worse
    return min(worse, limit) if buys else max(worse, limit)


def slipped(best: Decimal, side: Side, instrument: Instrument, slippage_bps: Decimal) -> Decimal:
    """`best`, worse by the slippage and on the tick."""
    with exact():
        share = slippage_bps / _BPS
        if side is Side.BUY:
            return ceil_to(best * (1 + share), instrument.tick_size)
        return max(floor_to(best * (1 - share), instrument.tick_size), instrument.tick_size)


def _parts(
    account: PaperAccount, order: PaperOrder, instrument: Instrument, settings: PaperSettings
) -> list[Decimal]:
    """The fills of this look: all parts of a market order, one part of a limit order. All or nothing when
    the order says so."""
    with exact():
        part = max(instrument.floor_quantity(order.quantity * settings.fill_fraction), instrument.lot_size)
    part = min(part, order.remaining)
    if order.price is not None:
        room = funds.closable(account, order) if order.reduce_only else order.remaining
        whole = part == order.remaining <= room
        return [part] if whole or order.time_in_force is not TimeInForce.FOK else []
    count = int(order.remaining / part)
    rest = order.remaining - part * count
    return [part] * count + ([rest] if rest else [])
