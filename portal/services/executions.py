"""`run(execution_id)`: one signal on one connection, top to bottom.

    claim (T1) → read account and market → plan → intend or deny (T2) → place ONCE → record (T3)

No `Order` row: nothing was sent. `Order` row in flight: it may have been sent; ask the exchange, never send
again."""

import logging
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from portal.crypto import DecryptionError
from portal.db import end_read, transaction
from portal.errors import PortalError
from portal.exchanges.errors import ExchangeError, HeldBackError
from portal.models import Execution, ExecutionConnection
from portal.services import claims, close_signals, first_test, intents, outcomes, placing, planning, venues
from portal.services.reconciliation import adopting, standing
from portal.services.traffic_lanes import Purpose
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.planning import wanted_market_type
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
    rules, terms = planning.rules_of(connection), planning.terms_of(signal)
    forgotten = adopting.Forgotten(execution, token, terms, rules)
    denial = planning.early_denial(connection, rules, terms)
    if denial is not None:
        asks = denial.code in standing.AGE and adopting.is_old(execution)
        return None if asks and _adopt(forgotten, connection) else denial
    if terms.action is SignalAction.CLOSE:
        return close_signals.run(execution, token)
    denial = first_test.denial(connection)
    if denial is not None:
        return denial
    if execution.rerun_at is not None and adopting.is_old(execution) and _adopt(forgotten, connection):
        # It had been run again before, after the backup from which the books come.
        return None
    with venues.exchange_for(connection, Purpose.ENTRY) as exchange:
        standing.ensure(connection, exchange, wanted_market_type(terms, rules))
        plan = planning.plan(connection, rules, terms, exchange)
        if isinstance(plan, Denial):
            if terms.direction is Side.SELL and close_signals.sells_own(
                close_signals.Aim.of(execution), plan
            ):
                return close_signals.run(execution, token)
            return plan
        intended = intents.intend_entry(execution.id, token, plan, rules)
        if isinstance(intended, Denial):
            return intended
        if intended is not None:
            placing.place(intended, exchange)
    return None


def _adopt(forgotten: adopting.Forgotten, connection: ExecutionConnection) -> bool:
    """Before an old execution expires, or runs again: whether it was carried out in a past that the books
    have lost."""
    with venues.exchange_for(connection, Purpose.VITAL) as exchange:
        wanted = wanted_market_type(forgotten.terms, forgotten.rules)
        market = resolve(forgotten.terms.currency_pair, wanted, exchange.instruments())
        return not isinstance(market, Denial) and adopting.adopt_entry(forgotten, exchange, market)


def _after_failed_read(execution: Execution, token: str, error: ExchangeError) -> Denial | None:
    """Nothing was sent. A passing fault is tried again until the signal is too old; a lasting one is a
    denial."""
    lasting = planning.lasting_denial(error)
    if lasting is not None:
        return lasting
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
