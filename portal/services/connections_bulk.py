"""The same for many connections: each row by itself, through the service that does it for one, with its own
audit entry. What cannot be done on a row is said and does not hold back the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from portal.db import db, transaction, utcnow
from portal.errors import ConflictError, NotFoundError, PortalError, ValidationError
from portal.models import ExecutionConnection, Plan, Subscription, User
from portal.services import audit, connections


class Bulk(StrEnum):
    """What can be done. The last two need the id of a preset (none: the built-in defaults) or a plan."""

    TEST = "test"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"
    PRESET = "preset"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row; `said` is why nothing was done, or what was."""

    name: str
    is_done: bool
    said: str


def apply(
    what: Bulk, connection_ids: Sequence[int], *, value: int | None = None, actor: audit.Actor
) -> list[Outcome]:
    """Do `what` to every one of `connection_ids`, in their order. Commits once per row; may be repeated: what
    is so already is said and left. Raises nothing for a single row."""
    return [_one(what, connection_id, value, actor) for connection_id in connection_ids]


def _one(what: Bulk, connection_id: int, value: int | None, actor: audit.Actor) -> Outcome:
    row = db.session.get(ExecutionConnection, connection_id, populate_existing=True)
    if row is None:
        return Outcome(f"No. {connection_id}", False, "It does not exist any more.")
    name, steps = row.name, _STEPS[what]
    try:
        return Outcome(name, True, steps(row, value, actor))
    except ValidationError as error:
        return Outcome(name, False, "; ".join(error.errors.values()))
    except PortalError as error:
        return Outcome(name, False, error.message)


def _test(row: ExecutionConnection, _value: int | None, actor: audit.Actor) -> str:
    connections.request_test(row.id, actor=actor)
    return "A test was asked for."


def _activate(row: ExecutionConnection, _value: int | None, actor: audit.Actor) -> str:
    return _switch(row, True, actor)


def _deactivate(row: ExecutionConnection, _value: int | None, actor: audit.Actor) -> str:
    return _switch(row, False, actor)


def _switch(row: ExecutionConnection, on: bool, actor: audit.Actor) -> str:
    word = "on" if on else "off"
    if row.is_active is on:
        raise ConflictError(f"It is switched {word} already.")
    connections.update(row.id, {"is_active": on}, actor=actor)
    return f"It was switched {word}."


def _preset(row: ExecutionConnection, value: int | None, actor: audit.Actor) -> str:
    if row.preset_id == value:
        raise ConflictError("It has this preset already.")
    connections.update(row.id, {"preset_id": value}, actor=actor)
    return "It trades by this preset from the next signal on."


def _plan(row: ExecutionConnection, value: int | None, actor: audit.Actor) -> str:
    if row.is_admin_owned or row.user_id is None:
        raise ConflictError("It is admin-owned: it executes every signal, with or without a plan.")
    with transaction() as session:
        # The person's row orders two of these.
        owner = session.get_one(User, row.user_id, with_for_update={"of": User})
        plan = session.get(Plan, value, with_for_update={"read": True, "of": Plan})
        if plan is None or not plan.is_active:
            raise NotFoundError("This plan is closed or gone.")
        current = sa.select(Subscription.id).where(
            Subscription.plan_id == plan.id, Subscription.user_id == owner.id, Subscription.is_current
        )
        if session.scalar(current.limit(1)) is not None:
            raise ConflictError(f"Its owner, {owner.email}, is subscribed already.")
        made = Subscription(user_id=owner.id, plan_id=plan.id, starts_at=utcnow())
        session.add(made)
        session.flush()
        audit.record(
            actor, "portal.subscription.created", "subscription", made.id, plan=plan.name, user=owner.email
        )
        return f"Its owner, {owner.email}, was subscribed."


_STEPS: dict[Bulk, Callable[[ExecutionConnection, int | None, audit.Actor], str]] = {
    Bulk.TEST: _test,
    Bulk.ACTIVATE: _activate,
    Bulk.DEACTIVATE: _deactivate,
    Bulk.PRESET: _preset,
    Bulk.PLAN: _plan,
}
