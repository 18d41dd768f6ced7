"""Asking the venue about an order that may exist, and following one that does. Asks, never sends.

Absence is proved by the rules of `trading.proof` alone; here they meet the rows."""

import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import IN_DOUBT, RESTING, ExecutionConnection, Order
from portal.services import recording, venues
from portal.services.traffic_lanes import Purpose
from portal.trading.orders import FillReport, Lookup, OrderRef
from portal.trading.proof import ANSWERS_NEEDED, BETWEEN_ANSWERS, Doubt, backoff
from portal.trading.types import OrderState, OrderType

logger = logging.getLogger(__name__)

_ASKING = timedelta(seconds=30)
_FOLLOW_EVERY = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class _Question:
    order_id: int
    ref: OrderRef
    state: OrderState
    queries: int
    not_after: datetime
    connection: ExecutionConnection


def resolve(order_id: int) -> None:
    """Ask the venue once about an order in doubt, resting, or with missing fills, and record what it says.

    Owns its transactions; may be called at any time by anybody: one asker at a time, others return. Raises
    nothing that a venue can cause: a failed question changes nothing but the time of the next one."""
    question = _take(order_id)
    if question is None:
        return
    try:
        purpose = Purpose.VITAL if question.state in IN_DOUBT else Purpose.ROUTINE
        with venues.exchange_for(question.connection, purpose) as exchange:
            delay = _ask(question, exchange)
            for _ in range(ANSWERS_NEEDED):
                if delay is None or delay > BETWEEN_ANSWERS:
                    break
                time.sleep(delay.total_seconds())
                delay = _ask(question, exchange)
    except (ExchangeError, DecryptionError) as error:
        logger.info("order %s: the venue was asked without an answer: %s", order_id, error)
        delay = backoff(question.queries)
        if question.state is OrderState.IN_FLIGHT:
            recording.record_doubt(order_id)
    if delay is not None:
        _ask_again(order_id, delay)


def due() -> sa.Select[int]:
    """Orders that somebody should ask about now (for the sweeper)."""
    followed = (*IN_DOUBT, *RESTING)
    return (
        sa.select(Order.id)
        .where(
            sa.or_(Order.state.in_(followed), ~Order.fills_complete),
            Order.next_query_at <= sa.func.now(),
            Order.connection_id.is_not(None),
        )
        .order_by(Order.next_query_at)
    )


def _take(order_id: int) -> _Question | None:
    """One asker at a time: whoever moves `next_query_at` forward has the question."""
    with transaction() as session:
        taken = session.execute(
            sa.update(Order)
            .where(Order.id == order_id, Order.id.in_(due().order_by(None)))
            .values(next_query_at=sa.func.now() + _ASKING, queries=Order.queries + 1)
            .execution_options(synchronize_session=False)
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]
            return None
        order = session.get_one(Order, order_id, populate_existing=True)
        if order.connection is None:
            return None
        return _Question(
            order.id,
            OrderRef(
                client_order_id=order.client_order_id,
                symbol=order.symbol,
                sent_at=order.sent_at,
                exchange_order_id=order.exchange_order_id,
                trigger=order.order_type is OrderType.STOP,
            ),
            order.state,
            order.queries,
            order.not_after,
            order.connection,
        )


def _ask(question: _Question, exchange: Exchange) -> timedelta | None:
    """Ask once and record. Returns when to ask again, or None when there is nothing left to ask."""
    asked_at = utcnow()
    lookup = exchange.find_order(question.ref)
    if lookup.report is None:
        return _not_found(question, lookup, asked_at, exchange)
    fills: tuple[FillReport, ...] = lookup.report.fills
    if lookup.report.filled_quantity > 0:
        since = question.ref.sent_at - timedelta(seconds=60)
        try:
            fills = tuple(exchange.fills(question.ref.symbol, since, lookup.report.exchange_order_id))
        except ExchangeError as error:
            logger.info("order %s: its fills could not be read yet (%s)", question.order_id, error.code)
    return recording.record_report(
        question.order_id, lookup.report, fills, resolved=question.state in IN_DOUBT
    )


def _not_found(
    question: _Question, lookup: Lookup, asked_at: datetime, exchange: Exchange
) -> timedelta | None:
    if question.state not in IN_DOUBT:
        logger.warning("order %s is known but its venue does not show it now", question.order_id)
        return _FOLLOW_EVERY
    doubt = Doubt(question.not_after, exchange.capabilities.request_window, question.queries)
    if asked_at > doubt.horizon:
        doubt = _count_absence(question.order_id, doubt, lookup, asked_at)
    if doubt.is_absent:
        recording.record_absent(question.order_id, may_follow=doubt.left_no_trace)
        return None
    if question.state is OrderState.IN_FLIGHT:
        recording.record_doubt(question.order_id)
    return doubt.next_question(asked_at, utcnow())


def _count_absence(order_id: int, doubt: Doubt, lookup: Lookup, asked_at: datetime) -> Doubt:
    """Add one "not found" to what the row knows."""
    with transaction() as session:
        order = session.get_one(Order, order_id, with_for_update={"key_share": True}, populate_existing=True)
        known = replace(
            doubt,
            answers=order.absent_answers,
            kinds=frozenset(order.absent_from),
            last_absent_at=order.last_absent_at,
        )
        after = known.observe(lookup.absent_from, asked_at)
        order.absent_answers, order.absent_from = after.answers, sorted(after.kinds)
        order.last_absent_at = after.last_absent_at
        return after


def _ask_again(order_id: int, delay: timedelta) -> None:
    with transaction() as session:
        session.execute(
            sa.update(Order)
            .where(Order.id == order_id, Order.next_query_at.is_not(None))
            .values(next_query_at=utcnow() + delay)
            .execution_options(synchronize_session=False)
        )
