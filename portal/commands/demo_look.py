"""Questions that `portal demo` asks the database while it waits. Reads only."""

from collections import Counter

import sqlalchemy as sa

from portal.db import db, end_read
from portal.models import (
    UNSETTLED,
    Execution,
    ExecutionConnection,
    ExecutionLog,
    ExecutionPosition,
    Order,
)
from portal.models.order import LIVE
from portal.models.position import HELD
from portal.services import demo_content
from portal.trading.types import ExecutionStatus, PositionStatus

_RESTING_GUARD = sa.and_(Order.is_guard, Order.state.in_(LIVE))


class Look:
    """Each answer is fresh: the read ends before the answer is given."""

    def tested(self) -> str:
        total = self._scalar(sa.select(sa.func.count()).select_from(ExecutionConnection))
        tested = self._scalar(
            sa.select(sa.func.count())
            .select_from(ExecutionConnection)
            .where(ExecutionConnection.last_tested_at.is_not(None))
        )
        return f"{tested} of {total} connections tested"

    def all_tested(self) -> bool:
        query = sa.select(sa.func.count()).where(ExecutionConnection.last_tested_at.is_(None))
        return self._scalar(query.select_from(ExecutionConnection)) == 0

    def executions(self, signal_id: int) -> str:
        counts = self._statuses(signal_id)
        return ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))

    def all_settled(self, signal_id: int) -> bool:
        counts = self._statuses(signal_id)
        return bool(counts) and not any(counts[status] for status in UNSETTLED)

    def lost_answer(self, signal_id: int) -> str:
        """What the log of the faulty account says, in order."""
        query = (
            sa.select(ExecutionLog.event)
            .join(Execution, Execution.id == ExecutionLog.execution_id)
            .where(Execution.signal_id == signal_id, Execution.connection_name == demo_content.FAULTY)
            .order_by(ExecutionLog.id)
        )
        events = list(db.session.execute(query).scalars())
        end_read()
        return " → ".join(events)

    def positions(self) -> str:
        counts = Counter(self._position_states())
        return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none yet"

    def all_open(self, signal_id: int) -> bool:
        return self._statuses(signal_id)[ExecutionStatus.FILLED] == len(self._position_states())

    def first_targets_done(self) -> bool:
        query = sa.select(ExecutionPosition.status, ExecutionPosition.tp_prices)
        rows = list(db.session.execute(query))
        end_read()
        return all(
            status not in HELD
            or (status is PositionStatus.OPEN and any(target.get("done") for target in targets))
            for status, targets in rows
        )

    def all_proved(self) -> bool:
        """No position waits for the proof that it is protected."""
        waiting = ExecutionPosition.protection_due_since.is_not(None)
        return self._scalar(sa.select(sa.func.count()).select_from(ExecutionPosition).where(waiting)) == 0

    def protection(self) -> str:
        guards = self._scalar(sa.select(sa.func.count()).select_from(Order).where(_RESTING_GUARD))
        return f"{guards} stops and targets rest at the exchange"

    def all_closed(self) -> bool:
        """No position is open, and nothing of them rests at the exchange any more."""
        resting = self._scalar(sa.select(sa.func.count()).select_from(Order).where(_RESTING_GUARD))
        return not resting and all(state not in ("open", "closing") for state in self._position_states())

    def _position_states(self) -> list[str]:
        query = sa.select(ExecutionPosition.status, ExecutionPosition.closed_reason)
        states = [
            f"closed by {reason.value}" if reason is not None else status.value
            for status, reason in db.session.execute(query)
        ]
        end_read()
        return states

    def _statuses(self, signal_id: int) -> Counter[ExecutionStatus]:
        query = sa.select(Execution.status).where(Execution.signal_id == signal_id)
        counts = Counter(db.session.execute(query).scalars())
        end_read()
        return counts

    @staticmethod
    def _scalar(query: "sa.Select[int]") -> int:
        value = db.session.execute(query).scalar_one()
        end_read()
        return value
