"""The wish to close all in a scope, and asking for one close per position. Sends nothing: workers do."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from portal.db import db, end_read, transaction, utcnow
from portal.errors import ValidationError
from portal.models import CloseWish, ExecutionPosition, User
from portal.models.position import HELD
from portal.services import audit, positions, trading_state
from portal.services.close_all.scopes import Scope, of_positions

#: Positions locked at once: long enough to be quick, short enough to hold nobody up.
_BATCH = 50
_LONGEST_KEY = 64
_AFTER_A_CRASH = sa.text("interval '15 seconds'")


def close_all(scope: Scope, *, form_key: str, deny_entries: bool = False, actor: audit.Actor) -> int:
    """Ask for every position that is open in `scope` to be closed at the market; first, if wanted, deny new
    entries there, until somebody resumes. Returns the id of the wish.

    The same `form_key` again is the same wish: what is missing of it is done, nothing is asked for twice.
    Commits, in transactions of at most 50 positions; a crash in between is made up for by the sweeper. Raises
    ValidationError (a form_key that cannot be one; no switch has this scope)."""
    if not form_key or len(form_key) > _LONGEST_KEY:
        raise ValidationError({"form_key": "is missing; open the page again"})
    if deny_entries and not scope.has_switch:
        raise ValidationError({"deny_entries": f"is not possible for one {scope.name}"})
    wish_id = _remember(scope, form_key, deny_entries, actor)
    carry_out(wish_id, actor=actor)
    return wish_id


def carry_out(wish_id: int, *, actor: audit.Actor) -> None:
    """Ask for the closes that a wish still lacks. Commits; may be repeated, also at the same time."""
    ids = _look(wish_id, actor)
    for start in range(0, len(ids), _BATCH):
        positions.request_closes(ids[start : start + _BATCH], actor=actor, wish=wish_id)
    with transaction() as session:
        wish = session.get_one(CloseWish, wish_id, with_for_update=True)
        wish.asked_all_at = wish.asked_all_at or utcnow()


def carry_out_unfinished() -> int:
    """The wishes whose process died in between, for the sweeper. Commits; may be repeated."""
    unfinished = db.session.execute(
        sa.select(CloseWish.id, CloseWish.asked_by)
        .where(CloseWish.asked_all_at.is_(None), CloseWish.asked_at < sa.func.now() - _AFTER_A_CRASH)
        .order_by(CloseWish.id)
    ).all()
    end_read()
    for wish_id, asked_by in unfinished:
        carry_out(wish_id, actor=asked_by)
    return len(unfinished)


def _remember(scope: Scope, form_key: str, deny_entries: bool, actor: audit.Actor) -> int:
    """The wish's id, new or known. The switch is committed before anybody looks what is open: what the look
    misses was let in before it."""
    values = {
        "form_key": form_key,
        "scope": scope.name,
        "key": scope.key,
        "label": scope.label,
        "denies_entries": deny_entries,
        "asked_by": actor.email if isinstance(actor, User) else actor,
        "asked_by_id": actor.id if isinstance(actor, User) else None,
        "asked_at": utcnow(),
    }
    with transaction() as session:
        new = insert(CloseWish).values(values).on_conflict_do_nothing(index_elements=["form_key"])
        wish_id: int | None = session.execute(new.returning(CloseWish.id)).scalar_one_or_none()
        if wish_id is None:
            known = sa.select(CloseWish.id).where(CloseWish.form_key == form_key)
            return int(session.execute(known).scalar_one())
        if deny_entries:
            reason = f"Everything {scope.label} is being closed"
            trading_state.reduce_within(scope.name, scope.key, reason, actor=actor)
    return wish_id


def _look(wish_id: int, actor: audit.Actor) -> Sequence[int]:
    """What the wish is about: looked up once, with one audit entry."""
    with transaction() as session:
        wish = session.get_one(CloseWish, wish_id, with_for_update=True)
        if wish.position_ids is None:
            scope = Scope(wish.scope, wish.key, wish.label)
            mine = sa.select(ExecutionPosition.id).where(
                ExecutionPosition.status.in_(HELD), of_positions(scope)
            )
            wish.position_ids = list(session.execute(mine.order_by(ExecutionPosition.id)).scalars())
            audit.record(
                actor, "portal.positions.close_all_requested", "close_wish", wish.id, scope=scope.text,
                positions=len(wish.position_ids), denies_entries=wish.denies_entries,
            )  # fmt: skip
        return wish.position_ids if wish.asked_all_at is None else []
