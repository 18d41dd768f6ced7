"""What the venue shows around the time of an order in doubt that could be it, for a person to choose from.
Asks, records what it saw, decides nothing. Workers only."""

import time
from collections.abc import Iterable

from portal.crypto import DecryptionError
from portal.db import JsonDict, end_read, transaction, utcnow
from portal.exchanges.errors import ExchangeError
from portal.models import IN_DOUBT, Order
from portal.services import venues
from portal.services.order_refs import ref_of
from portal.services.traffic_lanes import Purpose
from portal.services.unresolved import questions
from portal.services.unresolved.adopting import CLOCKS_DIFFER, owner_of, why_not
from portal.trading.numbers import text
from portal.trading.orders import FillReport, OrderReport
from portal.trading.types import Answer, OrderState, QuestionKind

_MOST = 50


def look(order_id: int) -> None:
    """Read what rests and what was filled on the symbol since the order was sent, and keep the orders that
    belong to no other order of ours. Owns its transactions; raises nothing that a venue can cause; may be
    repeated."""
    with transaction() as session:
        order = session.get(Order, order_id)
        if order is None or order.state not in IN_DOUBT or order.connection is None:
            return
        ref, connection = ref_of(order), order.connection
        _ = connection.credentials
    asked_at, started = utcnow(), time.monotonic()
    try:
        with venues.exchange_for(connection, Purpose.VITAL) as exchange:
            resting = exchange.open_orders(ref.symbol)
            fills = exchange.fills(ref.symbol, ref.sent_at - CLOCKS_DIFFER)
    except (ExchangeError, DecryptionError) as error:
        answer, facts = Answer.FAILED, dict(questions.reason_of(error))
        seen: list[OrderReport] = []
    else:
        seen = [*resting, *_filled(fills, {each.exchange_order_id for each in resting})]
        answer, facts = Answer.FOUND, {}
    duration_ms = int((time.monotonic() - started) * 1000)
    end_read()
    with transaction() as session:
        listed = _candidates(session.get_one(Order, order_id), seen)
        if answer is Answer.FOUND and not listed:
            answer = Answer.NOT_FOUND
        questions.add(
            order_id,
            QuestionKind.LOOK,
            answer,
            asked_at=asked_at,
            duration_ms=duration_ms,
            listed=listed,
            **facts,
        )


def _candidates(order: Order, seen: Iterable[OrderReport]) -> list[JsonDict]:
    free = [report for report in seen if owner_of(order, report.exchange_order_id) is None]
    return [_candidate(order, report) for report in free[-_MOST:]]


def _candidate(order: Order, report: OrderReport) -> JsonDict:
    price = report.average_price or report.price
    return {
        "exchange_order_id": report.exchange_order_id,
        "client_order_id": report.client_order_id,
        "side": report.side.value,
        "state": report.state.value,
        "quantity": text(report.quantity) if report.quantity else None,
        "filled_quantity": text(report.filled_quantity),
        "price": text(price) if price else None,
        "at": report.updated_at.isoformat() if report.updated_at else None,
        "why_not": why_not(order, report),
    }


def _filled(fills: Iterable[FillReport], resting: set[str]) -> list[OrderReport]:
    """Orders known by their fills alone: of those the venue does not list, this is all that can be said."""
    grouped: dict[str, list[FillReport]] = {}
    for fill in fills:
        if fill.exchange_order_id not in resting:
            grouped.setdefault(fill.exchange_order_id, []).append(fill)
    return [_from_fills(exchange_order_id, of_one) for exchange_order_id, of_one in grouped.items()]


def _from_fills(exchange_order_id: str, fills: list[FillReport]) -> OrderReport:
    total = sum((fill.quantity for fill in fills[1:]), fills[0].quantity)
    cost = sum((fill.quantity * fill.price for fill in fills[1:]), fills[0].quantity * fills[0].price)
    return OrderReport(
        exchange_order_id=exchange_order_id,
        client_order_id=None,
        symbol=fills[0].symbol,
        side=fills[0].side,
        state=OrderState.FILLED,
        # How much was ordered is not known from fills.
        quantity=total * 0,
        filled_quantity=total,
        average_price=cost / total,
        updated_at=max(fill.filled_at for fill in fills),
    )
