"""Signals that grow too old while an earlier one on the same account and symbol keeps them waiting. Nobody
can claim them meanwhile, so they are ended here. Sends nothing."""

import sqlalchemy as sa

from portal.db import db, end_read, transaction, utcnow
from portal.errors import ValidationError
from portal.models import Execution, ExecutionConnection, Signal, TradingPreset
from portal.services import claims, outcomes
from portal.services.planning import terms_of
from portal.services.reconciliation import standing
from portal.trading.checks import age_denial
from portal.trading.preset import PresetRules
from portal.trading.types import ExecutionStatus, SignalAction


def expire_waiting(limit: int) -> int:
    """End up to `limit` pending executions that nobody holds and that would only be denied for their age.
    Returns how many. Commits one at a time; may be repeated, also at the same time."""
    ids = list(db.session.execute(_too_old().limit(limit)).scalars())
    end_read()
    return sum(_expire(each) for each in ids)


def _expire(execution_id: int) -> bool:
    with transaction() as session:
        execution = session.execute(
            sa.select(Execution)
            .where(Execution.id == execution_id, _free())
            .with_for_update(key_share=True, skip_locked=True)
        ).scalar_one_or_none()
        if execution is None or execution.signal is None:
            return False
        preset = execution.connection.preset if execution.connection is not None else None
        try:
            rules = preset.rules() if preset is not None else PresetRules.default()
        except ValidationError:
            return False  # its own run says so
        denial = age_denial(terms_of(execution.signal), rules, utcnow())
        if denial is not None:
            outcomes.deny(execution, standing.late(execution.code, execution.message, denial))
        return denial is not None


def _free() -> sa.ColumnElement[bool]:
    return sa.and_(
        Execution.status == ExecutionStatus.PENDING,
        sa.or_(Execution.claim_token.is_(None), Execution.lease_until < sa.func.now()),
    )


def _too_old() -> sa.Select[int]:
    usual = PresetRules.default().max_signal_age_seconds
    limit = sa.func.coalesce(TradingPreset.max_signal_age_seconds, usual)
    age = sa.func.extract("epoch", sa.func.now() - Signal.published_at)
    return (
        sa.select(Execution.id)
        .join(Signal, Signal.id == Execution.signal_id)
        .join(ExecutionConnection, ExecutionConnection.id == Execution.connection_id)
        .join(TradingPreset, TradingPreset.id == ExecutionConnection.preset_id, isouter=True)
        .where(
            _free(),
            # Others may be those of a backup: the exchange is asked first, by their own run.
            Execution.created_at > sa.func.now() - standing.DOWN_AFTER,
            Execution.rerun_at.is_(None),
            # Held back by its lane, or by a venue that asked for patience.
            sa.or_(claims.earlier_unsettled(), Execution.next_attempt_at > sa.func.now()),
            sa.or_(
                sa.and_(age > limit, Signal.action == SignalAction.OPEN),
                Signal.expires_at <= sa.func.now(),
            ),
        )
        .order_by(Execution.sequence)
    )
