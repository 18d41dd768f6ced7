"""`run(execution_id)`: one signal on one connection, top to bottom.

    claim (T1) → read account and market → plan → intend or deny (T2) → place ONCE → record (T3)

No `Order` row: nothing was sent. `Order` row in flight: it may have been sent; ask the exchange, never send
again."""

import logging
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from portal.crypto import DecryptionError
from portal.db import end_read, transaction, utcnow
from portal.errors import PortalError
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ErrorCode, ExchangeError, HeldBackError
from portal.models import Execution, ExecutionConnection, Signal
from portal.services import claims, close_signals, first_test, intents, market_view, outcomes, placing, venues
from portal.services.reconciliation import adopting, standing
from portal.services.traffic_lanes import Purpose
from portal.trading.checks import age_denial
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.planning import EntryPlan, plan_entry, wanted_market_type
from portal.trading.preset import PresetRules
from portal.trading.prices import worst_price
from portal.trading.signal import SignalTerms
from portal.trading.symbols import resolve
from portal.trading.types import Side, SignalAction

logger = logging.getLogger(__name__)

_RETRY_READ = timedelta(seconds=2)
_MAX_ATTEMPTS = 20


def run(execution_id: int) -> None:
    """Work on one execution until it has an order or a reason why not.

    Owns several short transactions. May be called any number of times, by anybody, at any moment: the claim
    and the order row decide. Never sends an order twice."""
    claimed = claims.claim(execution_id)
    if claimed is None:
        return
    execution, token = claimed
    try:
        denial = _run_claimed(execution, token)
    except DecryptionError as error:
        denial = venues.unreadable(error)
    except ExchangeError as error:
        denial = _after_failed_read(execution, token, error)
    except SQLAlchemyError:
        raise
    except Exception:
        # A bug or a row made invalid from outside. Fail closed: no order row of ours exists under this
        # claim, so nothing was sent, and nothing will be. (After the intent the claim is gone and this
        # changes nothing.)
        logger.exception("execution %s: it could not be planned", execution_id)
        denial = deny(DenialCode.INTERNAL_ERROR)
    if denial is not None:
        _deny(execution_id, token, standing.late(execution.code, execution.message, denial))


def _run_claimed(execution: Execution, token: str) -> Denial | None:
    connection, signal = execution.connection, execution.signal
    if signal is None or connection is None:
        return deny(DenialCode.CONNECTION_INACTIVE)
    rules = connection.preset.rules() if connection.preset is not None else PresetRules.default()
    terms = terms_of(signal)
    denial = _early_denial(connection, rules, terms)
    if denial is not None:
        asks = denial.code in standing.AGE and adopting.is_old(execution)
        found = asks and _adopt(adopting.Forgotten(execution, token, terms, rules), connection)
        return None if found else denial
    if terms.action is SignalAction.CLOSE:
        return close_signals.run(execution, token)
    denial = first_test.denial(connection)
    if denial is not None:
        return denial
    with venues.exchange_for(connection, Purpose.ENTRY) as exchange:
        standing.ensure(connection, exchange, wanted_market_type(terms, rules))
        plan = _plan(connection, rules, terms, exchange)
        if isinstance(plan, Denial):
            if terms.direction is Side.SELL and close_signals.sells_own(execution, plan):
                return close_signals.run(execution, token)
            return plan
        intended = intents.intend_entry(execution.id, token, plan, rules)
        if isinstance(intended, Denial):
            return intended
        if intended is not None:
            placing.place(intended, exchange)
    return None


def _adopt(forgotten: adopting.Forgotten, connection: ExecutionConnection) -> bool:
    """Before an old execution expires: whether it was carried out in a past that the books have lost."""
    with venues.exchange_for(connection, Purpose.VITAL) as exchange:
        wanted = wanted_market_type(forgotten.terms, forgotten.rules)
        market = resolve(forgotten.terms.currency_pair, wanted, exchange.instruments())
        return not isinstance(market, Denial) and adopting.adopt_entry(forgotten, exchange, market)


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


def _early_denial(connection: ExecutionConnection, rules: PresetRules, terms: SignalTerms) -> Denial | None:
    if connection.has_error():
        return deny(DenialCode.CONNECTION_IN_ERROR, reason=connection.last_error or "unknown")
    if not connection.can_execute_trades():
        return deny(DenialCode.CONNECTION_INACTIVE)
    if connection.preset is not None and not connection.preset.enabled:
        return deny(DenialCode.PRESET_DISABLED, preset=connection.preset.name)
    return age_denial(terms, rules, utcnow()) or venues.may_trade(connection)


def _plan(
    connection: ExecutionConnection, rules: PresetRules, terms: SignalTerms, exchange: Exchange
) -> EntryPlan | Denial:
    instrument = resolve(terms.currency_pair, wanted_market_type(terms, rules), exchange.instruments())
    if isinstance(instrument, Denial):
        return instrument
    plan = plan_entry(
        terms, rules, market_view.read(connection, exchange, instrument, terms.direction, rules)
    )
    if isinstance(plan, Denial) or not venues.wants_price(exchange, plan.order_type, plan.leg.side):
        return plan
    worst = worst_price(plan.reference_price, plan.leg.side, rules.max_slippage_bps, instrument)
    return replace(plan, price=worst)


def _after_failed_read(execution: Execution, token: str, error: ExchangeError) -> Denial | None:
    """Nothing was sent. A passing fault is tried again until the signal is too old; a lasting one is a
    denial."""
    if error.permanent:
        unknown = error.code is ErrorCode.UNSUPPORTED
        code = DenialCode.EXCHANGE_UNKNOWN if unknown else DenialCode.CREDENTIALS_REFUSED
        return deny(code, reason=error.message)
    compares = isinstance(error, standing.NotReconciledError)
    held_back = isinstance(error.__cause__ if compares else error, HeldBackError)
    if execution.attempts >= _MAX_ATTEMPTS and not held_back:
        never = DenialCode.NOT_RECONCILED if compares else DenialCode.EXCHANGE_UNREACHABLE
        return deny(never, reason=error.message)
    with transaction():
        mine = claims.lock_mine(execution.id, token)
        if mine is not None:
            attempts = mine.attempts
            claims.release(mine, timedelta(seconds=error.retry_after or 0) or _RETRY_READ)
            if held_back:
                # Nobody was asked: only the signal's age ends this.
                mine.attempts = attempts
            mine.code = DenialCode.NOT_RECONCILED.value if compares else error.code.value
            mine.message = error.message
    logger.info("execution %s: reading failed (%s); it is tried again", execution.id, error.code)
    return None


def _deny(execution_id: int, token: str, denial: Denial) -> None:
    end_read()
    with transaction():
        mine = claims.lock_mine(execution_id, token)
        if mine is None:
            return
        outcomes.deny(mine, denial)
        if denial.code in (DenialCode.CREDENTIALS_REFUSED, DenialCode.CREDENTIALS_UNREADABLE):
            if mine.connection is None:
                raise PortalError(f"execution {execution_id} lost its connection")
            mine.connection.mark_as_error(denial.message)
