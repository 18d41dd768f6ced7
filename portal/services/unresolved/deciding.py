"""What a person may decide about an order in doubt without asking its venue. A worker, the resolver and a
second person may be at it in the same second: the row lock and its state decide, and whoever comes late is
told."""

import math

from sqlalchemy.exc import NoResultFound

from portal.db import request_job, transaction, utcnow
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import IN_DOUBT, Order, User
from portal.services import audit, recording
from portal.services.unresolved import questions, telling
from portal.trading.proof import DECLARED_NOT_PLACED, SLACK

_DECLARED = "A person looked at the exchange and declared that it was not placed"


def ask_again(order_id: int, *, actor: audit.Actor) -> None:
    """Let the venue be asked now instead of at the next turn of the back-off. Nothing is sent again. Raises
    NotFoundError, ConflictError (settled). Commits; may be repeated."""
    with transaction():
        order = lock_in_doubt(order_id)
        order.next_query_at = utcnow()
        audit.record(actor, "portal.order.asked_again", "order", order.id)
        request_job("resolve_order", order.id)


def declare_not_placed(order_id: int, typed: str, *, actor: audit.Actor) -> None:
    """Settle an order in doubt by the word of a person: it ends `not_placed`, and its execution with it. No
    second entry follows; a close is tried again and a guard placed again, because those wishes still stand.
    The venue is asked for another hour, and a fill that turns up is booked with an alarm.

    `typed` must be `phrase_for` the order. Raises NotFoundError, ConflictError (settled, or the request may
    still arrive), ValidationError (wrong phrase); then nothing was changed. Commits; a repeat is refused."""
    with transaction():
        order = lock_in_doubt(order_id)
        if " ".join(typed.split()) != phrase_for(order):
            raise ValidationError({"confirmation": f"type exactly: {phrase_for(order)}"})
        require_window_over(order)
        audit.record(actor, "portal.order.declared_not_placed", "order", order.id, **known_of(order))
        recording.end_unplaced(order, DECLARED_NOT_PLACED, f"{_DECLARED} ({name_of(actor)})")
        order.next_query_at = utcnow()


def phrase_for(order: Order) -> str:
    """What has to be typed: it names the account and the symbol."""
    account = order.connection.name if order.connection is not None else "deleted account"
    return " ".join(f"not placed: {account} {order.symbol}".split())


def lock_in_doubt(order_id: int) -> Order:
    """The locked row of an order in doubt. Raises NotFoundError, ConflictError with what it is instead. Joins
    the caller's transaction."""
    try:
        order = recording.lock(order_id)
    except NoResultFound as error:
        raise NotFoundError(f"There is no order {order_id}.") from error
    require_doubt(order)
    return order


def require_doubt(order: Order) -> None:
    """Raises ConflictError unless the locked `order` is still in doubt."""
    if order.state not in IN_DOUBT:
        state = order.state.value.replace("_", " ")
        filled = f", {order.filled_quantity:f} filled" if order.filled_quantity else ""
        raise ConflictError(
            f"Order {order.id} was settled in the meantime: it is {state}{filled}. Nothing was changed now."
        )


def seconds_open(order: Order) -> int:
    """For how many seconds the request may still become an order; 0 when it cannot any more."""
    return max(0, math.ceil((order.not_after + SLACK - utcnow()).total_seconds()))


def require_window_over(order: Order) -> None:
    """Raises ConflictError while the request may still become an order at the venue."""
    left = seconds_open(order)
    if left:
        raise ConflictError(
            f"The request may still arrive at the exchange for {left} s. Nothing was changed; wait, and look"
            " at the exchange again."
        )


def known_of(order: Order) -> dict[str, object]:
    """What was known when somebody decided, for the audit."""
    return {
        "state": order.state.value,
        "role": order.role.value,
        "order": telling.described(order),
        "client_order_id": order.client_order_id,
        "sent_at": order.sent_at.isoformat(timespec="seconds"),
        "error": order.error_code,
        "answers": questions.count(order.id),
        "absent_answers": order.absent_answers,
        "absent_from": list(order.absent_from),
    }


def name_of(actor: audit.Actor) -> str:
    """The person in words."""
    return actor.email if isinstance(actor, User) else str(actor)
