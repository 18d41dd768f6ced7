"""Asking the venue about an order that may exist, and following one that does. Asks, never sends.

Absence is proved by the rules of `trading.proof` alone; here they meet the rows."""

import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import db, request_job, transaction, utcnow
from portal.exchanges.base import Exchange
from portal.exchanges.errors import ExchangeError
from portal.models import IN_DOUBT, RESTING, ExecutionConnection, Order
from portal.models.order import LIVE
from portal.services import fee_rates, recording, venues
from portal.services.order_refs import ref_of
from portal.services.traffic import NO_ANSWER
from portal.services.traffic_lanes import Purpose
from portal.services.unresolved import declared, questions
from portal.trading.orders import FillReport, Lookup, OrderRef
from portal.trading.proof import (
    ANSWERS_NEEDED,
    BETWEEN_ANSWERS,
    DECLARED_NOT_PLACED,
    LONGEST_BACKOFF,
    Doubt,
    backoff,
)
from portal.trading.types import OrderState

logger = logging.getLogger(__name__)

_ASKING = timedelta(seconds=30)
_FOLLOW_EVERY = timedelta(seconds=45)
#: A job that was wanted at a moment comes this much later, so that the database's clock has it past, too.
_MARGIN = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class _Question:
    order_id: int
    ref: OrderRef
    state: OrderState
    queries: int
    not_after: datetime
    connection: ExecutionConnection
    is_guard: bool
    #: When a person declared it not placed; empty for all others.
    declared_at: datetime | None

    @property
    def in_doubt(self) -> bool:
        return self.state in IN_DOUBT


def resolve(order_id: int, *, stay: bool = True) -> None:
    """Ask the venue about an order in doubt, resting, or with missing fills, and record what it says.

    With `stay` the questions that follow within seconds are asked by the same call; without, each is a job of
    its own at its moment, so that a storm of doubts does not hold all threads. Owns its transactions; may be
    called at any time by anybody: one asker at a time, others return. Raises nothing that a venue can cause:
    a failed question changes nothing but the time of the next one."""
    question = _take(order_id)
    if question is None:
        return
    asked_at, started = utcnow(), time.monotonic()
    try:
        purpose = Purpose.VITAL if question.in_doubt else Purpose.ROUTINE
        with venues.exchange_for(question.connection, purpose) as exchange:
            delay = _ask(question, exchange)
            for _ in range(ANSWERS_NEEDED if stay else 0):
                if delay is None or delay > BETWEEN_ANSWERS:
                    break
                time.sleep(delay.total_seconds())
                asked_at, started = utcnow(), time.monotonic()
                delay = _ask(question, exchange)
    except (ExchangeError, DecryptionError) as error:
        logger.info("order %s: the venue was asked without an answer: %s", order_id, error)
        if question.in_doubt:
            questions.failed(order_id, asked_at, _ms(started), error)
        delay = backoff(question.queries)
        if question.state is OrderState.IN_FLIGHT:
            recording.record_doubt(order_id)
    if delay is not None:
        _ask_again(order_id, delay)


def ask_now(order_id: int, exchange: Exchange) -> None:
    """Ask about one order now, whether it is due or not, over an exchange that the caller has open, and
    record what it says. Owns its transactions; may be repeated. Raises ExchangeError without an answer."""
    with transaction() as session:
        question = _question(session.get_one(Order, order_id, populate_existing=True))
    if question is not None:
        _ask(question, exchange)


def due() -> sa.Select[int]:
    """Orders that somebody should ask about now (for the sweeper)."""
    return (
        sa.select(Order.id)
        .where(
            sa.or_(Order.state.in_(LIVE), ~Order.fills_complete, Order.error_code == DECLARED_NOT_PLACED),
            Order.next_query_at <= sa.func.now(),
            Order.connection_id.is_not(None),
        )
        .order_by(Order.next_query_at)
    )


def due_within(tick: timedelta) -> list[tuple[int, timedelta]]:
    """Orders whose sender seems to be gone and that will be due before the next look, and in how long: nobody
    asked for a job at that moment. Reads only."""
    now = utcnow()
    rows = db.session.execute(
        sa.select(Order.id, Order.next_query_at).where(
            Order.state == OrderState.IN_FLIGHT,
            Order.next_query_at > now,
            Order.next_query_at <= now + tick,
            Order.connection_id.is_not(None),
        )
    ).all()
    db.session.rollback()
    return [(order_id, at - now + _MARGIN) for order_id, at in rows if at is not None]


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
        return _question(session.get_one(Order, order_id, populate_existing=True))


def _question(order: Order) -> _Question | None:
    if order.connection is None:
        return None
    return _Question(
        order.id,
        ref_of(order),
        order.state,
        order.queries,
        order.not_after,
        order.connection,
        order.is_guard,
        order.closed_at if declared.is_declared(order) else None,
    )


def _ask(question: _Question, exchange: Exchange) -> timedelta | None:
    """Ask once and record. Returns when to ask again, or None when there is nothing left to ask."""
    asked_at, started = utcnow(), time.monotonic()
    lookup = exchange.find_order(question.ref)
    duration_ms = _ms(started)
    if lookup.report is None:
        return _not_found(question, lookup, asked_at, exchange, duration_ms)
    if question.in_doubt:
        questions.found(question.order_id, asked_at, duration_ms, lookup.report)
    if question.declared_at is not None and declared.rests_all_the_same(question.order_id, lookup.report):
        return _FOLLOW_EVERY
    fills: tuple[FillReport, ...] = lookup.report.fills
    if lookup.report.filled_quantity > 0:
        since = question.ref.sent_at - timedelta(seconds=60)
        try:
            # A stop that has triggered may have been filled as another order of the venue's.
            under = lookup.report.working_order_id or lookup.report.exchange_order_id
            fills = fee_rates.priced(exchange.fills(question.ref.symbol, since, under), exchange)
        except ExchangeError as error:
            logger.info("order %s: its fills could not be read yet (%s)", question.order_id, error.code)
    return recording.record_report(question.order_id, lookup.report, fills, resolved=question.in_doubt)


def _not_found(
    question: _Question, lookup: Lookup, asked_at: datetime, exchange: Exchange, duration_ms: int
) -> timedelta | None:
    if question.declared_at is not None:
        return declared.watch_on(question.order_id, question.declared_at)
    if question.state in RESTING:
        return _vanished(question, lookup, asked_at, exchange)
    if not question.in_doubt:
        logger.warning("order %s is known but its venue does not show it now", question.order_id)
        return _FOLLOW_EVERY
    doubt = Doubt(question.not_after, exchange.capabilities.request_window, question.queries)
    if asked_at > doubt.horizon:
        doubt = _count_absence(question.order_id, doubt, lookup, asked_at)
    counted = doubt.last_absent_at == asked_at
    questions.not_found(question.order_id, asked_at, duration_ms, lookup.absent_from, counted=counted)
    if doubt.is_absent:
        recording.record_absent(question.order_id, may_follow=doubt.left_no_trace)
        return None
    if question.state is OrderState.IN_FLIGHT:
        recording.record_doubt(question.order_id)
    return doubt.next_question(asked_at, utcnow())


def _vanished(
    question: _Question, lookup: Lookup, asked_at: datetime, exchange: Exchange
) -> timedelta | None:
    """An order that rested and is not shown: after as many answers as prove absence, it is gone."""
    doubt = _count_absence(question.order_id, Doubt(question.not_after, has_window=True), lookup, asked_at)
    if not doubt.is_absent:
        return BETWEEN_ANSWERS if doubt.last_absent_at == asked_at else _FOLLOW_EVERY
    fills = () if question.is_guard else _last_look(question, exchange)
    recording.record_vanished(question.order_id, fills)
    logger.warning("order %s rested, and its venue does not have it any more", question.order_id)
    return None


def _last_look(question: _Question, exchange: Exchange) -> tuple[FillReport, ...]:
    """What the order was filled before it went. It is canceled first, in case it is only out of sight: then
    nothing can be filled after this look. Raises ExchangeError when either was not answered."""
    try:
        exchange.cancel_order(question.ref)
    except ExchangeError as error:
        if error.code in NO_ANSWER or error.venue_code is None:
            raise
    since = question.ref.sent_at - timedelta(seconds=60)
    fills = exchange.fills(question.ref.symbol, since, question.ref.exchange_order_id)
    return fee_rates.priced(fills, exchange)


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
        if delay <= LONGEST_BACKOFF:
            # At its moment, not at the next sweep; the sweep is for jobs that were lost.
            request_job("resolve_order", order_id, after=delay + _MARGIN)


def _ms(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
