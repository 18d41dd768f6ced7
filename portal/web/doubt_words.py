"""Orders in doubt in plain words, for their owners and for operators. Pure text; asks nobody anything."""

import math

from portal.db import utcnow
from portal.models import IN_DOUBT, Order, OrderQuestion
from portal.trading.types import Answer, OrderRole, OrderState, QuestionKind

#: How endpoints of each kind are called for people.
ENDPOINTS = {
    "order": "the order by our id",
    "open": "waiting orders",
    "history": "orders that ended",
    "fills": "fills",
}
_MAY_EXIST = "It may exist at the exchange. It is never sent a second time."
_MEANWHILE = {
    OrderRole.ENTRY: "Nothing more is opened on this account and symbol until this is settled.",
    OrderRole.CLOSE: "The position counts as open until this is settled, and no second close is sent before.",
}
_GUARD = "No other one is placed for this position until this is settled; Portico watches its price itself."


def meaning(order: Order) -> list[str]:
    """What an order in doubt means for its owner, in sentences; empty for any other."""
    if order.state not in IN_DOUBT:
        return []
    if order.state is OrderState.IN_FLIGHT and order.not_after > utcnow():
        return ["A worker is sending it right now."]
    meanwhile = _GUARD if order.is_guard else _MEANWHILE.get(order.role, _MEANWHILE[OrderRole.CLOSE])
    return [
        "A request was sent, and its answer was lost.",
        _MAY_EXIST,
        meanwhile,
        f"The exchange was asked {_times(order.queries)}; {next_question(order)}.",
    ]


def next_question(order: Order) -> str:
    """When the venue is asked again."""
    if order.next_query_at is None:
        return "it is not asked again by itself"
    seconds = math.ceil((order.next_query_at - utcnow()).total_seconds())
    return f"the next question is in {seconds} s" if seconds > 0 else "the next question is being asked"


def asked(question: OrderQuestion) -> str:
    """One question and its answer, in a sentence or two."""
    say = {QuestionKind.LOOK: _looked, QuestionKind.ADOPT: _adopted}.get(question.kind, _asked)
    return say(question)


def _asked(question: OrderQuestion) -> str:
    if question.answer is Answer.FOUND:
        return f"Found as {question.exchange_order_id}. {question.message}."
    if question.answer is Answer.NOT_FOUND:
        where = ", ".join(ENDPOINTS.get(kind, kind) for kind in question.absent_from) or "nothing usable"
        weight = "It counts as proof." if question.counted else "That proves nothing yet."
        return f"Not there. Asked for: {where}. {weight}"
    return f"No answer: {question.message or question.code}"


def _looked(question: OrderQuestion) -> str:
    number = len(question.listed)
    return {
        Answer.WANTED: f"{question.asked_by} asked what the exchange shows around that time.",
        Answer.FOUND: f"The exchange shows {number} {'order' if number == 1 else 'orders'} of nobody here.",
        Answer.NOT_FOUND: "The exchange shows no order since then that is not in the books.",
    }.get(question.answer, f"The exchange could not be looked at: {question.message or question.code}")


def _adopted(question: OrderQuestion) -> str:
    which = question.exchange_order_id
    return {
        Answer.WANTED: f"{question.asked_by} asked to adopt {which}; a worker reads it from the exchange.",
        Answer.FOUND: f"Adopted: {which} is this order.",
    }.get(question.answer, f"{which} was not adopted: {question.message or question.code}")


def _times(number: int) -> str:
    return {0: "not yet", 1: "once", 2: "twice"}.get(number, f"{number} times")
