"""From a signal, a preset and a snapshot to one order that may be sent, or the reason why none may."""

from dataclasses import dataclass
from decimal import Decimal

from portal.trading.checks import CheckInput, run_checks
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.direction import Leg, entry_leg, exit_leg
from portal.trading.exits import Target, derive_exits
from portal.trading.instrument import Instrument
from portal.trading.numbers import exact
from portal.trading.orders import Ticker
from portal.trading.preset import PresetRules
from portal.trading.prices import order_price, reference_price
from portal.trading.signal import SignalTerms
from portal.trading.sizing import size, venue_denial
from portal.trading.snapshot import Snapshot
from portal.trading.types import MarketType, OrderType, PositionMode, PositionSide, Side, TimeInForce

__all__ = ["ClosePlan", "EntryPlan", "Snapshot", "plan_close", "plan_entry", "wanted_market_type"]


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """One entry, ready to be stored as an intent. Prices are on the tick, `quantity` on the lot.

    `price` is set for limit orders, `trigger_price` for stop orders. `reference_price` is what the size was
    calculated with; `notional` is in quote currency at that price.
    """

    instrument: Instrument
    leg: Leg
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None
    trigger_price: Decimal | None
    time_in_force: TimeInForce
    reference_price: Decimal
    sl_price: Decimal | None
    targets: tuple[Target, ...]
    notional: Decimal
    #: What the account was worth when this was planned, in settlement currency.
    equity: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class ClosePlan:
    """A market order that closes `quantity`; `remainder` of what was held stays: dust, or too much for one
    order."""

    instrument: Instrument
    leg: Leg
    quantity: Decimal
    remainder: Decimal


@dataclass(frozen=True, slots=True)
class _Prices:
    """`reference` sizes the order; `entry` is where it would be filled now, and exits are judged from
    there."""

    reference: Decimal
    entry: Decimal
    limit: Decimal | None = None
    trigger: Decimal | None = None


def wanted_market_type(terms: SignalTerms, rules: PresetRules) -> MarketType:
    """The signal decides; where it says nothing, the preset."""
    return terms.market_type or rules.market_type


def plan_entry(terms: SignalTerms, rules: PresetRules, snap: Snapshot) -> EntryPlan | Denial:
    """Check, price, exits, size: the first denial wins. `snap.instrument` was found by `symbols.resolve`."""
    given = CheckInput(terms, rules, snap)
    instrument, side = snap.instrument, terms.direction
    if denial := run_checks(given):
        return denial
    leg = entry_leg(side, instrument.market_type, snap.position_mode, snap.free_base)
    if isinstance(leg, Denial):
        return leg
    prices = _prices(given.order_type, terms, snap)
    if isinstance(prices, Denial):
        return prices
    exits = derive_exits(rules, terms, leg, prices.entry, instrument)
    if isinstance(exits, Denial):
        return exits
    quantity = size(
        rules,
        instrument,
        side,
        prices.reference,
        snap.free_quote,
        snap.equity,
        exits.sl_price if leg.opens else terms.sl,
        snap.multiplier,
        snap.free_base,
        max_multiplier=snap.max_multiplier,
    )
    if isinstance(quantity, Denial):
        return quantity
    return EntryPlan(
        instrument=instrument,
        leg=leg,
        order_type=given.order_type,
        quantity=quantity,
        price=prices.limit,
        trigger_price=prices.trigger,
        time_in_force=given.time_in_force,
        reference_price=prices.reference,
        sl_price=exits.sl_price,
        targets=exits.targets,
        notional=instrument.notional(quantity, prices.reference),
        equity=snap.equity,
    )


def _prices(order_type: OrderType, terms: SignalTerms, snap: Snapshot) -> _Prices | Denial:
    market = _market_price(snap.ticker, terms.direction)
    if market is None:
        return deny(DenialCode.PRICE_MISSING)
    if order_type is OrderType.MARKET:
        return _Prices(reference=market, entry=market)
    if terms.open_price is None:
        return deny(DenialCode.LIMIT_PRICE_REQUIRED)
    asked = order_price(snap.instrument, terms.open_price, terms.direction, market)
    if isinstance(asked, Denial):
        return asked
    buying = terms.direction is Side.BUY
    if order_type is OrderType.LIMIT:
        # A limit beyond the market is filled at the market, so the exits must be right from there too.
        return _Prices(
            reference=asked, entry=min(asked, market) if buying else max(asked, market), limit=asked
        )
    if (asked <= market) if buying else (asked >= market):
        return deny(DenialCode.TRIGGER_PRICE_WRONG_SIDE, trigger_price=asked, price=market)
    return _Prices(reference=asked, entry=asked, trigger=asked)


def _market_price(ticker: Ticker | None, side: Side) -> Decimal | None:
    return None if ticker is None else reference_price(ticker, side)


def plan_close(
    quantity_held: Decimal,
    free_base: Decimal | None,
    instrument: Instrument,
    position_side: PositionSide,
    position_mode: PositionMode,
    *,
    wanted: Decimal | None = None,
    price: Decimal | None = None,
) -> ClosePlan | Denial:
    """Close all of `quantity_held`, or only `wanted` of it; on spot never more than the free balance.

    A close below the lot or the venue's minimum (its notional minimum needs `price`; on derivatives
    reduce-only orders are exempt from it) is denied with the numbers, so that the caller can book the rest
    as dust. More than the venue takes at once is cut to what it takes.
    """
    available = quantity_held if wanted is None else min(quantity_held, wanted)
    on_spot = instrument.market_type is MarketType.SPOT
    if on_spot and free_base is not None:
        available = min(available, free_base)
    if available <= 0:
        return deny(DenialCode.NOTHING_TO_CLOSE, held=quantity_held)
    if instrument.max_quantity is not None:
        available = min(available, instrument.max_quantity)
    quantity = instrument.floor_quantity(available)
    denial = venue_denial(instrument, quantity, price if on_spot else None)
    if denial is not None:
        return denial
    leg = exit_leg(position_side, instrument.market_type, position_mode)
    with exact():
        return ClosePlan(instrument, leg, quantity, remainder=quantity_held - quantity)
