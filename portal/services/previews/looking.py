"""One account's answer to a draft: the questions of an execution, asked over an exchange that can send
nothing. Workers only; writes nothing."""

import logging
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload

from portal.crypto import DecryptionError
from portal.db import db, end_read, utcnow
from portal.exchanges.errors import ExchangeError
from portal.models import ExecutionConnection
from portal.services import close_signals, first_test, gate, planning, venues
from portal.services.close_signals import Aim
from portal.services.previews import sketching
from portal.services.previews.answers import Answer, Sketch, Verdict
from portal.services.traffic_lanes import Purpose
from portal.trading.denials import Denial, DenialCode, deny
from portal.trading.preset import PresetRules
from portal.trading.signal import SignalTerms
from portal.trading.types import Side, SignalAction

logger = logging.getLogger(__name__)

_UNTESTED = (
    "Its key was not tested yet, and is tested before the first order. Run Test on the connection, then"
    " preview again."
)

_LOAD = (
    sa.select(ExecutionConnection)
    .options(joinedload(ExecutionConnection.preset), joinedload(ExecutionConnection.data_connection))
    .where(ExecutionConnection.id == sa.bindparam("connection_id"))
)

#: The orders that would be sent and what they would wait for, why none would, or why nobody can say.
_Found = tuple[tuple[Sketch, ...], tuple[str, ...]] | Denial | str


def look(connection_id: int, terms: SignalTerms) -> Answer:
    """What the connection would do if `terms` were published now. Network; reads only; may be repeated.
    Raises nothing that a venue can cause."""
    terms = replace(terms, published_at=utcnow())
    end_read()
    connection = db.session.execute(_LOAD, {"connection_id": connection_id}).scalar_one_or_none()
    found: _Found
    if connection is None:
        found = "The connection was deleted meanwhile."
    else:
        end_read()  # what was loaded is cut off: a forgotten column raises instead of opening a transaction
        found = _asked(connection, terms)
    end_read()
    return _answer(connection_id, found)


def _asked(connection: ExecutionConnection, terms: SignalTerms) -> _Found:
    try:
        return _look(connection, planning.rules_of(connection), terms)
    except DecryptionError as error:
        return venues.unreadable(error)
    except ExchangeError as error:
        # Held back for want of a budget, or not answered: that says nothing about the order.
        return planning.lasting_denial(error) or error.message
    except SQLAlchemyError:
        raise
    except Exception:
        logger.exception("connection %s: its preview could not be made", connection.id)
        return deny(DenialCode.INTERNAL_ERROR)


def _look(connection: ExecutionConnection, rules: PresetRules, terms: SignalTerms) -> _Found:
    denial = planning.early_denial(connection, rules, terms)
    if denial is not None:
        return denial
    lane = terms.currency_pair.partition(":")[0]
    aim = Aim(connection.id, lane, terms.direction, connection.position_mode)
    if terms.action is SignalAction.CLOSE:
        return _close(aim)
    if first_test.is_due(connection):
        return _UNTESTED
    with venues.exchange_for(connection, Purpose.PREVIEW) as exchange:
        plan = planning.plan(connection, rules, terms, exchange)
        venue = exchange.capabilities
    if isinstance(plan, Denial):
        sells_own = terms.direction is Side.SELL and close_signals.sells_own(aim, plan)
        return _close(aim) if sells_own else plan
    denial = gate.would_deny(connection, plan, rules)
    if denial is not None:
        return denial
    notes = sketching.notes(connection, plan, lane)
    return (sketching.entry(plan, rules, venue, connection.position_mode),), notes


def _close(aim: Aim) -> _Found:
    positions, entries = close_signals.would_close(aim)
    if not positions and not entries:
        return deny(DenialCode.NOTHING_TO_CLOSE)
    canceled = (f"{entries} waiting entry is canceled first." if entries == 1 else "",)
    if entries > 1:
        canceled = (f"{entries} waiting entries are canceled first.",)
    return tuple(sketching.close(each) for each in positions), tuple(filter(None, canceled))


def _answer(connection_id: int, found: _Found) -> Answer:
    at = utcnow()
    if isinstance(found, Denial):
        return Answer(
            connection_id=connection_id,
            verdict=Verdict.REFUSE,
            at=at,
            code=found.code.value,
            message=found.message,
        )
    if isinstance(found, str):
        return Answer(connection_id=connection_id, verdict=Verdict.UNKNOWN, at=at, message=found)
    sketches, notes = found
    return Answer(connection_id=connection_id, verdict=Verdict.TRADE, at=at, sketches=sketches, notes=notes)
