"""What a person asks for that needs the venue: written down here, done by a worker, answered in the same
record. The web process asks no venue."""

from datetime import timedelta

import sqlalchemy as sa

from portal.crypto import DecryptionError
from portal.db import db, request_job, transaction, utcnow
from portal.errors import ConflictError, PortalError, ValidationError
from portal.exchanges.errors import ExchangeError
from portal.models import OrderQuestion, User
from portal.services import audit
from portal.services.unresolved import adopting, deciding, questions
from portal.trading.types import Answer, QuestionKind

#: After so long without an answer the wish was lost, and may be said again.
_LOST_AFTER = timedelta(seconds=60)
_LONGEST_ID = 100


def request_look(order_id: int, *, actor: audit.Actor) -> None:
    """Let a worker list what the venue shows that could be this order. Raises NotFoundError, ConflictError.
    Commits; may be repeated."""
    with transaction():
        order = deciding.lock_in_doubt(order_id)
        questions.add(order.id, QuestionKind.LOOK, Answer.WANTED, **_asker(actor))
        audit.record(actor, "portal.order.looked_for", "order", order.id)
        request_job("look_for_candidates", order.id)


def request_adoption(order_id: int, exchange_order_id: str, *, actor: audit.Actor) -> None:
    """Let a worker read this order of the venue's and, when it can be ours, record it. Raises NotFoundError,
    ConflictError (settled, may still arrive, asked for already), ValidationError. Commits."""
    wanted = exchange_order_id.strip()
    if not wanted or len(wanted) > _LONGEST_ID or not wanted.isprintable():
        raise ValidationError({"exchange_order_id": "give the id that the exchange shows for the order"})
    with transaction() as session:
        order = deciding.lock_in_doubt(order_id)
        deciding.require_window_over(order)
        if _is_wanted(order.id):
            raise ConflictError(
                "A worker was asked to adopt an order a moment ago. Wait for its answer here."
            )
        wish = questions.add(
            order.id, QuestionKind.ADOPT, Answer.WANTED, exchange_order_id=wanted, **_asker(actor)
        )
        session.flush()
        audit.record(actor, "portal.order.adoption_requested", "order", order.id, exchange_order_id=wanted)
        request_job("adopt_order", wish.id)


def carry_out(question_id: int) -> None:
    """Do what was asked for by `request_adoption`, and record what came of it. Owns its transactions; raises
    nothing that a venue can cause; a repeat changes nothing."""
    with transaction() as session:
        wish = session.get(OrderQuestion, question_id)
        if wish is None or wish.kind is not QuestionKind.ADOPT or _answered(wish):
            return
        order_id, wanted = wish.order_id, wish.exchange_order_id or ""
        by, by_id = wish.asked_by, wish.asked_by_id
    facts: dict[str, str] = {}
    try:
        adopting.adopt(order_id, wanted, actor=by_id or by)
        answer = Answer.FOUND
    except PortalError as error:
        answer, facts = Answer.REFUSED, {"message": error.message}
    except (ExchangeError, DecryptionError) as error:
        answer, facts = Answer.FAILED, questions.reason_of(error)
    with transaction():
        questions.add(
            order_id,
            QuestionKind.ADOPT,
            answer,
            exchange_order_id=wanted,
            asked_by=by,
            asked_by_id=by_id,
            **facts,
        )


def _asker(actor: audit.Actor) -> dict[str, object]:
    person = actor if isinstance(actor, User) else None
    return {"asked_by": deciding.name_of(actor), "asked_by_id": person.id if person else None}


def _is_wanted(order_id: int) -> bool:
    """Whether the latest row about an adoption is a wish that a worker may still be at. The order is
    locked."""
    latest = db.session.scalars(
        sa.select(OrderQuestion)
        .where(OrderQuestion.order_id == order_id, OrderQuestion.kind == QuestionKind.ADOPT)
        .order_by(OrderQuestion.id.desc())
        .limit(1)
    ).first()
    return latest is not None and latest.answer is Answer.WANTED and latest.asked_at > utcnow() - _LOST_AFTER


def _answered(wish: OrderQuestion) -> bool:
    return bool(
        db.session.scalar(
            sa.select(
                sa.exists().where(
                    OrderQuestion.order_id == wish.order_id,
                    OrderQuestion.kind == QuestionKind.ADOPT,
                    OrderQuestion.id > wish.id,
                    OrderQuestion.answer != Answer.WANTED,
                )
            )
        )
    )
