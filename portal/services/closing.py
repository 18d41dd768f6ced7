"""Closing a position: its own intent per version, reduce-only on derivatives, what is really there on spot.
The same protocol as an entry: read, intend, place once, record."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from portal.crypto import DecryptionError
from portal.db import db, end_read, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import Execution, ExecutionConnection, ExecutionPosition
from portal.services import ending, intents, journal, placing, venues
from portal.services.intents import Draft, Intended
from portal.services.notifications import notify
from portal.trading.denials import Denial, DenialCode
from portal.trading.planning import ClosePlan, plan_close
from portal.trading.prices import worst_price
from portal.trading.types import (
    ClosedReason,
    ExecutionStatus,
    MarketType,
    NotificationType,
    OrderRole,
    OrderType,
    PositionStatus,
)

logger = logging.getLogger(__name__)

_RETRY = timedelta(seconds=5)
#: How far beyond the mark a close may fill on venues that take market orders only with a limit: it must get
#: out.
_CLOSE_SLIPPAGE_BPS = Decimal(500)
_DUST = (DenialCode.QUANTITY_BELOW_MINIMUM, DenialCode.NOTIONAL_BELOW_MINIMUM, DenialCode.NOTHING_TO_CLOSE)
_ROLES = {
    ClosedReason.STOP_LOSS: OrderRole.STOP_LOSS,
    ClosedReason.TRAILING: OrderRole.STOP_LOSS,
    ClosedReason.TAKE_PROFIT: OrderRole.TAKE_PROFIT,
}


@dataclass(frozen=True, slots=True)
class _Wish:
    position_id: int
    version: int


def run_close(position_id: int) -> None:
    """Carry out the close that the row asks for, if it is not under way.

    Owns its transactions; may be called any number of times by anybody: the row lock and the position's
    version let one order through. Exits pass every halt. A failed read or a refused order is tried again by
    the sweeper."""
    end_read()
    with transaction() as session:
        position = session.get(ExecutionPosition, position_id)
        if position is None or not _wanted(position) or position.connection is None:
            return
        wish, connection = _Wish(position.id, position.version), position.connection
        _ = connection.credentials
    try:
        with venues.exchange_for(connection) as exchange:
            _close(wish, connection, exchange)
    except (ExchangeError, DecryptionError) as error:
        _postpone(position_id, str(error))


def _wanted(position: ExecutionPosition) -> bool:
    due = position.next_close_at is None or position.next_close_at <= utcnow()
    return position.status is PositionStatus.OPEN and position.close_reason is not None and due


def _close(wish: _Wish, connection: ExecutionConnection, exchange: Exchange) -> None:
    with transaction() as session:
        symbol = session.get_one(ExecutionPosition, wish.position_id).symbol
    instrument = exchange.instruments().get(symbol)
    if instrument is None:
        _postpone(wish.position_id, f"{symbol} is not listed by the exchange any more")
        return
    free_base = None
    if instrument.market_type is MarketType.SPOT:
        held = exchange.balances(MarketType.SPOT).get(instrument.base)
        free_base = held.free if held is not None else instrument.lot_size * 0
    ticker = exchange.tickers([symbol]).get(symbol)
    with transaction() as session:
        position = session.get_one(
            ExecutionPosition, wish.position_id, with_for_update=True, populate_existing=True
        )
        if not _wanted(position) or position.version != wish.version:
            return
        quantity = min(position.close_quantity or position.quantity, position.quantity)
        mark = (ticker.mark_price if ticker else None) or position.mark_price
        plan = plan_close(
            quantity,
            free_base,
            instrument,
            position.position_side,
            connection.position_mode,
            price=mark,
        )
        if isinstance(plan, Denial):
            _not_closable(position, plan)
            return
        price = None
        if venues.wants_price(exchange, OrderType.MARKET, plan.leg.side) and mark is not None:
            price = worst_price(mark, plan.leg.side, _CLOSE_SLIPPAGE_BPS, instrument)
        intended = _intend(position, connection, plan, price)
    placing.place(intended, exchange)


def _intend(
    position: ExecutionPosition, connection: ExecutionConnection, plan: ClosePlan, price: Decimal | None
) -> Intended:
    """T2 of a close: the order row in flight and the position closing, in one transaction. Does not
    commit."""
    reason = position.close_reason or ClosedReason.MANUAL
    order = intents.freeze(
        connection,
        Draft(
            intent_key=f"position-{position.id}:close:{position.version}",
            role=_ROLES.get(reason, OrderRole.CLOSE),
            symbol=position.symbol,
            side=plan.leg.side,
            position_side=position.position_side,
            order_type=OrderType.MARKET,
            quantity=plan.quantity,
            price=price,
            reduce_only=plan.leg.reduce_only,
            position_mode=connection.position_mode,
            reference_price=position.mark_price,
        ),
    )
    order.position_id = position.id
    order.execution_id = position.close_execution_id
    position.status = PositionStatus.CLOSING
    session = db.session
    session.add(order)
    if position.close_execution_id is not None:
        execution = session.get_one(Execution, position.close_execution_id)
        if execution.status is ExecutionStatus.PENDING:
            execution.status = ExecutionStatus.IN_FLIGHT
        execution.intended_at = order.sent_at
    session.flush()
    return Intended(order.id, intents.request_of(order))


def _not_closable(position: ExecutionPosition, denial: Denial) -> None:
    """Nothing was sent. What is too small to be sold is booked as dust; the rest waits for a person."""
    journal.note("close_denied", denial.message, position=position, code=denial.code.value)
    if denial.code not in _DUST:
        position.next_close_at = utcnow() + timedelta(minutes=1)
        return
    if position.close_quantity is not None:
        ending.finish_targets(position)
        return
    ending.close_with_dust(position)


def _postpone(position_id: int, message: str) -> None:
    end_read()
    with transaction() as session:
        position = session.get_one(ExecutionPosition, position_id, with_for_update=True)
        first = position.next_close_at is None
        position.next_close_at = utcnow() + _RETRY
        journal.note("close_postponed", f"The close was not sent: {message}", position=position)
        if first:
            notify(
                NotificationType.ERROR,
                f"{position.currency_pair} could not be closed yet",
                f"{message}. Nothing was sent; it is tried again every few seconds.",
                position=position,
            )
