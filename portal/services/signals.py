"""Signals: taken in once, published once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from portal.db import db, transaction, utcnow
from portal.errors import ConflictError, NotFoundError, ValidationError
from portal.models import Execution, Plan, Signal, User
from portal.services import audit, fanout
from portal.trading.signal import ParsedSignal, SignalError, parse_signal


@dataclass(frozen=True, slots=True)
class Submitted:
    """A stored signal: `created` is False for a repeat, `executions` counts the accounts it went to."""

    signal_id: int
    is_published: bool
    created: bool
    executions: int


def submit(data: Mapping[str, Any], *, author: User, source: str, publish: bool | None = None) -> Submitted:
    """Validate, store and (unless `publish` is False) publish a signal, in one transaction.

    A repeat with the same `dedupe_key` of the same author changes nothing and answers with the first one.
    `publish` overrides the field of that name. Raises ValidationError (per field, nothing stored),
    ConflictError (same key, other content). Commits; may be repeated when a `dedupe_key` is given."""
    parsed = _parse(data)
    author_id, author_email = author.id, author.email
    known = _known(author_id, parsed)
    if known is None:
        wanted = parsed.publish if publish is None else publish
        try:
            return _store(parsed, author_id, author_email, source, wanted)
        except IntegrityError:
            # The same key was committed between our look and our insert.
            db.session.rollback()
            known = _known(author_id, parsed)
            if known is None:
                raise
    if known.content_hash != parsed.content_hash():
        _refuse_other_content(known.id, parsed, author_email, source)
    return Submitted(known.id, known.is_published, False, _count(known.id))


def publish(signal_id: int, *, actor: User | str) -> int:
    """Publish a draft. Returns the number of executions; publishing again changes nothing and answers the
    same.

    Raises NotFoundError, ValidationError (the draft has expired). Commits; may be repeated."""
    with transaction() as session:
        signal = session.get(Signal, signal_id, with_for_update=True)
        if signal is None:
            raise NotFoundError(f"signal {signal_id} does not exist; nothing was published")
        if not signal.is_published:
            if signal.expires_at is not None and signal.expires_at <= utcnow():
                raise ValidationError({"expires_at": "the signal has expired; it was not published"})
            _mark_published(signal)
            audit.record(actor, "portal.signal.published", "signal", signal.id)
        return _count(signal.id)


def reach(signal_id: int) -> int:
    """How many connections the signal would reach if it were published now. Reads only."""
    eligible = fanout.eligible_connections(signal_id).order_by(None).subquery()
    return db.session.execute(sa.select(sa.func.count()).select_from(eligible)).scalar_one()


def update_draft(signal_id: int, data: Mapping[str, Any], *, actor: User | str) -> Signal:
    """Replace the content of a draft. Raises NotFoundError, ConflictError (published already),
    ValidationError. Commits; may be repeated."""
    parsed = _parse(data)
    with transaction() as session:
        signal = session.get(Signal, signal_id, with_for_update=True)
        if signal is None:
            raise NotFoundError(f"signal {signal_id} does not exist; nothing was changed")
        if signal.is_published:
            raise ConflictError("the signal is published; it was not changed. Publish a new one instead")
        _fill(signal, parsed)
        signal.plans = _plans(parsed.plans)
        audit.record(actor, "portal.signal.changed", "signal", signal.id)
    return signal


def _parse(data: Mapping[str, Any]) -> ParsedSignal:
    try:
        return parse_signal(data, now=utcnow())
    except SignalError as error:
        raise ValidationError(dict(error.errors)) from None


def _known(author_id: int, parsed: ParsedSignal) -> Signal | None:
    if parsed.dedupe_key is None:
        return None
    return db.session.execute(
        sa.select(Signal).where(Signal.author_id == author_id, Signal.dedupe_key == parsed.dedupe_key)
    ).scalar_one_or_none()


def _refuse_other_content(signal_id: int, parsed: ParsedSignal, email: str, source: str) -> NoReturn:
    """A key that is used for two things: a mistake of the sender, or somebody who tries. It is remembered."""
    with transaction():
        audit.record(email, "portal.signal.refused", "signal", signal_id, source=source)
    raise ConflictError(
        f"dedupe_key {parsed.dedupe_key!r} was used for signal {signal_id} with other content; "
        "nothing was published. Use a new key for a new signal"
    )


def _store(parsed: ParsedSignal, author_id: int, email: str, source: str, wanted: bool) -> Submitted:
    with transaction() as session:
        signal = Signal(author_id=author_id, source=source)
        _fill(signal, parsed)
        signal.plans = _plans(parsed.plans)
        session.add(signal)
        session.flush()
        action = "portal.signal.created"
        if wanted:
            _mark_published(signal)
            session.flush()
            action = "portal.signal.published"
        audit.record(email, action, "signal", signal.id, source=source)
        return Submitted(signal.id, signal.is_published, True, _count(signal.id) if wanted else 0)


def _mark_published(signal: Signal) -> None:
    # The flush of this change writes the executions (portal/events.py).
    signal.is_published = True
    signal.published_at = utcnow()


def _fill(signal: Signal, parsed: ParsedSignal) -> None:
    terms = parsed.terms
    signal.currency_pair = terms.currency_pair
    signal.direction = terms.direction
    signal.action = terms.action
    signal.order_type = terms.order_type
    signal.time_in_force = terms.time_in_force
    signal.open_price = terms.open_price
    signal.sl = terms.sl
    signal.tp = list(terms.tps)
    signal.market_type = terms.market_type
    signal.expires_at = terms.expires_at
    signal.dedupe_key = parsed.dedupe_key
    signal.content_hash = parsed.content_hash()


def _plans(wanted: Sequence[str]) -> list[Plan]:
    plans, unknown = [], []
    for each in dict.fromkeys(wanted):
        plan = db.session.execute(sa.select(Plan).where(Plan.name == each)).scalar_one_or_none()
        if plan is None and each.isascii() and each.isdigit() and len(each) < 18:
            plan = db.session.get(Plan, int(each))
        if plan is None:
            unknown.append(each)
        elif plan not in plans:
            plans.append(plan)
    if unknown:
        raise ValidationError({"plans": f"unknown plan: {', '.join(unknown)}; nothing was published"})
    return plans


def _count(signal_id: int) -> int:
    return db.session.execute(
        sa.select(sa.func.count()).select_from(Execution).where(Execution.signal_id == signal_id)
    ).scalar_one()
