"""From a signal and a connection to one order or a reason against it: the questions that an execution and its
preview ask in the same words. Reads only; sends, writes and claims nothing."""

from dataclasses import replace

from portal.db import utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ErrorCode, ExchangeError
from portal.models import ExecutionConnection, Signal
from portal.services import market_view, venues
from portal.trading.checks import age_denial
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.planning import EntryPlan, plan_entry, wanted_market_type
from portal.trading.preset import PresetRules
from portal.trading.prices import worst_price
from portal.trading.signal import SignalTerms
from portal.trading.symbols import resolve


def terms_of(signal: Signal) -> SignalTerms:
    """What the signal asks, as pure data."""
    return SignalTerms(
        currency_pair=signal.currency_pair,
        direction=signal.direction,
        action=signal.action,
        order_type=signal.order_type,
        open_price=signal.open_price,
        sl=signal.sl,
        tps=tuple(signal.tp),
        time_in_force=signal.time_in_force,
        market_type=signal.market_type,
        published_at=signal.published_at,
        expires_at=signal.expires_at,
    )


def rules_of(connection: ExecutionConnection) -> PresetRules:
    """What the connection's preset says; the defaults without one. Raises ValidationError for a preset that
    was made invalid from outside."""
    return connection.preset.rules() if connection.preset is not None else PresetRules.default()


def early_denial(connection: ExecutionConnection, rules: PresetRules, terms: SignalTerms) -> Denial | None:
    """What can be said before the exchange is asked anything. No network."""
    if connection.has_error():
        return deny(DenialCode.CONNECTION_IN_ERROR, reason=connection.last_error or "unknown")
    if not connection.can_execute_trades():
        return deny(DenialCode.CONNECTION_INACTIVE)
    if connection.preset is not None and not connection.preset.enabled:
        return deny(DenialCode.PRESET_DISABLED, preset=connection.preset.name)
    return age_denial(terms, rules, utcnow()) or venues.may_trade(connection)


def plan(
    connection: ExecutionConnection, rules: PresetRules, terms: SignalTerms, exchange: Exchange
) -> EntryPlan | Denial:
    """One look at account and market, and the entry that follows from it. Network; never inside a
    transaction; may be repeated. Raises ExchangeError when something could not be read."""
    instrument = resolve(terms.currency_pair, wanted_market_type(terms, rules), exchange.instruments())
    if isinstance(instrument, Denial):
        return instrument
    planned = plan_entry(
        terms, rules, market_view.read(connection, exchange, instrument, terms.direction, rules)
    )
    if isinstance(planned, Denial) or not venues.wants_price(exchange, planned.order_type, planned.leg.side):
        return planned
    worst = worst_price(planned.reference_price, planned.leg.side, rules.max_slippage_bps, instrument)
    return replace(planned, price=worst)


def lasting_denial(error: ExchangeError) -> Denial | None:
    """The denial for a fault that only a person can end; None for one that passes."""
    if not error.permanent:
        return None
    unknown = error.code is ErrorCode.UNSUPPORTED
    code = DenialCode.EXCHANGE_UNKNOWN if unknown else DenialCode.CREDENTIALS_REFUSED
    return deny(code, reason=error.message)
