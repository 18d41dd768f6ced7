"""The list of checks that every entry passes before it is sized, in this order. Exits never come here.

A price that moved away from `open_price` denies a market order only when it moved against the owner: a
better price is no harm, and if it is so much better that the idea is void, the stop-loss is on the wrong
side and denies it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.preset import PresetRules
from portal.trading.price_sanity import Doubt
from portal.trading.prices import adverse_bps, reference_price, spread_bps
from portal.trading.signal import SignalTerms
from portal.trading.snapshot import Snapshot
from portal.trading.symbols import Pair, parse_pair
from portal.trading.types import (
    MarketType,
    OrderType,
    PositionMode,
    Side,
    SignalAction,
    TimeInForce,
    TradingStateValue,
)

MAX_PRICE_AGE = timedelta(seconds=30)
_SHOWN_BPS = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class CheckInput:
    terms: SignalTerms
    rules: PresetRules
    snap: Snapshot

    @property
    def order_type(self) -> OrderType:
        return self.terms.order_type or self.rules.order_type

    @property
    def time_in_force(self) -> TimeInForce:
        """A market order is immediate by nature, so none is sent with it."""
        if self.order_type is OrderType.MARKET:
            return TimeInForce.STANDARD
        return self.terms.time_in_force or self.rules.time_in_force

    @property
    def pair(self) -> Pair:
        return parse_pair(self.snap.instrument.symbol)


class Check(NamedTuple):
    name: str
    judge: Callable[[CheckInput], Denial | None]


def run_checks(given: CheckInput) -> Denial | None:
    """The first denial in the order of `CHECKS`, or None."""
    for check in CHECKS:
        if denial := check.judge(given):
            return denial
    return None


def check_trading_state(given: CheckInput) -> Denial | None:
    state = given.snap.trading_state
    if state is TradingStateValue.HALTED:
        return deny(DenialCode.TRADING_HALTED)
    return deny(DenialCode.TRADING_REDUCING) if state is TradingStateValue.REDUCING else None


def check_age(given: CheckInput) -> Denial | None:
    return age_denial(given.terms, given.rules, given.snap.now)


def age_denial(terms: SignalTerms, rules: PresetRules, now: datetime) -> Denial | None:
    """Expiry and age. A signal that is exactly as old as allowed still trades; a closing signal has no age
    limit of ours, only the expiry that it names."""
    if terms.expires_at is not None and now >= terms.expires_at:
        return deny(DenialCode.SIGNAL_EXPIRED, expires_at=terms.expires_at.isoformat())
    if terms.published_at is None:
        return deny(DenialCode.SIGNAL_NOT_PUBLISHED)
    if terms.action is SignalAction.CLOSE:
        # A late exit is safer than none, and the order of signals keeps it from closing a later entry.
        return None
    age, limit = now - terms.published_at, rules.max_signal_age_seconds
    if age > timedelta(seconds=limit):
        return deny(DenialCode.SIGNAL_TOO_OLD, age_seconds=int(age.total_seconds()), max_age_seconds=limit)
    return None


def check_symbol_rules(given: CheckInput) -> Denial | None:
    pair, rules = given.pair, given.rules
    if any(blocked.covers(pair) for blocked in rules.blocked_symbols):
        return deny(DenialCode.SYMBOL_BLOCKED, symbol=pair)
    if rules.allowed_symbols and not any(allowed.covers(pair) for allowed in rules.allowed_symbols):
        return deny(DenialCode.SYMBOL_NOT_ALLOWED, symbol=pair)
    return None


def check_market(given: CheckInput) -> Denial | None:
    if not given.snap.instrument.active:
        return deny(DenialCode.MARKET_INACTIVE, symbol=given.snap.instrument.symbol)
    return None


def check_order_type(given: CheckInput) -> Denial | None:
    kind, force, snap = given.order_type, given.time_in_force, given.snap
    if kind not in snap.order_types:
        return deny(DenialCode.ORDER_TYPE_UNSUPPORTED, order_type=kind)
    stop_with_force = kind is OrderType.STOP and force is not TimeInForce.STANDARD
    if force not in snap.time_in_force or stop_with_force:
        return deny(DenialCode.TIME_IN_FORCE_UNSUPPORTED, order_type=kind, time_in_force=force)
    if kind is not OrderType.MARKET and given.terms.open_price is None:
        return deny(DenialCode.LIMIT_PRICE_REQUIRED)
    return None


def check_trading_hours(given: CheckInput) -> Denial | None:
    hours, now = given.rules.trading_hours, given.snap.now
    if hours is None or hours.contains(now):
        return None
    local_time = f"{hours.local(now):%a %H:%M}".lower()
    return deny(DenialCode.OUTSIDE_TRADING_HOURS, hours=hours, local_time=local_time)


def check_limits(given: CheckInput) -> Denial | None:
    snap, rules = given.snap, given.rules
    if denial := position_limit_denial(rules, given.pair, snap.open_positions, snap.open_positions_on_symbol):
        return denial
    loss = rules.max_daily_loss_percent
    if loss is not None and snap.daily_loss_percent >= loss:
        return deny(DenialCode.MAX_DAILY_LOSS, loss=snap.daily_loss_percent, limit=loss)
    return None


def position_limit_denial(
    rules: PresetRules, pair: Pair, open_positions: int, open_on_symbol: int
) -> Denial | None:
    """Also asked at the last gate, under the connection's lock, with entries under way counted in."""
    total, per_symbol = rules.max_open_positions, rules.max_positions_per_symbol
    if total is not None and open_positions >= total:
        return deny(DenialCode.MAX_OPEN_POSITIONS, open=open_positions, limit=total)
    if per_symbol is not None and open_on_symbol >= per_symbol:
        return deny(DenialCode.MAX_POSITIONS_PER_SYMBOL, open=open_on_symbol, limit=per_symbol, symbol=pair)
    return None


def check_opposite_position(given: CheckInput) -> Denial | None:
    """In one-way mode, and on spot, an order against an open position would shrink it behind its books'
    back."""
    snap = given.snap
    separate = snap.instrument.market_type is MarketType.SWAP and snap.position_mode is PositionMode.HEDGE
    return deny(DenialCode.OPPOSITE_POSITION_OPEN) if snap.opposite_open and not separate else None


def check_holdings(given: CheckInput) -> Denial | None:
    snap = given.snap
    if given.terms.direction is Side.BUY or snap.instrument.market_type is not MarketType.SPOT:
        return None
    if snap.free_base is None or snap.free_base <= 0:
        return deny(
            DenialCode.NOTHING_TO_SELL,
            currency=snap.instrument.base,
            free=max(snap.free_base or Decimal(0), 0),
        )
    return None


def check_ticker(given: CheckInput) -> Denial | None:
    """A price for our side that is recent and makes sense."""
    ticker = given.snap.ticker
    if ticker is None or not (reference_price(ticker, given.terms.direction) or 0) > 0:
        return deny(DenialCode.PRICE_MISSING)
    age = given.snap.now - ticker.observed_at
    if age > MAX_PRICE_AGE:
        seconds = {"age_seconds": int(age.total_seconds()), "max_age_seconds": MAX_PRICE_AGE.seconds}
        return deny(DenialCode.PRICE_STALE, **seconds)
    if ticker.bid is not None and ticker.ask is not None and ticker.bid > ticker.ask:
        return deny(DenialCode.PRICE_CROSSED, bid=ticker.bid, ask=ticker.ask)
    if given.snap.price_doubt in (Doubt.OUTSIDE_BAND, Doubt.UNPROVED):
        return deny(DenialCode.PRICE_IMPLAUSIBLE, price=reference_price(ticker, given.terms.direction))
    return None


def check_spread(given: CheckInput) -> Denial | None:
    ticker = given.snap.ticker
    if given.order_type is not OrderType.MARKET or ticker is None or ticker.bid is None or ticker.ask is None:
        return None
    spread, limit = spread_bps(ticker.bid, ticker.ask), given.rules.max_slippage_bps
    if spread > limit:
        return deny(DenialCode.SPREAD_TOO_WIDE, spread_bps=spread.quantize(_SHOWN_BPS), limit_bps=limit)
    return None


def check_slippage(given: CheckInput) -> Denial | None:
    ticker, expected = given.snap.ticker, given.terms.open_price
    if given.order_type is not OrderType.MARKET or ticker is None or expected is None:
        return None
    price = reference_price(ticker, given.terms.direction)
    if price is None:
        return None
    moved, limit = adverse_bps(given.terms.direction, expected, price), given.rules.max_slippage_bps
    if moved <= limit:
        return None
    return deny(
        DenialCode.PRICE_SLIPPAGE_EXCEEDED,
        price=price,
        open_price=expected,
        slippage_bps=moved.quantize(_SHOWN_BPS),
        limit_bps=limit,
    )


CHECKS: tuple[Check, ...] = (
    Check("trading state", check_trading_state),
    Check("signal age and expiry", check_age),
    Check("allowed and blocked symbols", check_symbol_rules),
    Check("market is active", check_market),
    Check("order type and time in force", check_order_type),
    Check("trading hours", check_trading_hours),
    Check("position and loss limits", check_limits),
    Check("opposite position", check_opposite_position),
    Check("holdings to sell", check_holdings),
    Check("usable price", check_ticker),
    Check("spread", check_spread),
    Check("price away from open_price", check_slippage),
)
