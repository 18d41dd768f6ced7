"""What a report is about: whose accounts, which days, which currency."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portal.db import db, utcnow
from portal.models import ExecutionPosition

#: Offered lengths of the period, in days.
PERIODS = (7, 30, 90, 365)


@dataclass(frozen=True, slots=True)
class Scope:
    """`owner_id` None: everybody's accounts. Money of different currencies is never added up: `currency` is
    the settlement currency of what counts."""

    owner_id: int | None
    days: int
    currency: str

    @property
    def since(self) -> dt.datetime:
        """The UTC midnight at which the period begins; today is its last day."""
        today = utcnow().replace(hour=0, minute=0, second=0, microsecond=0)
        return today - dt.timedelta(days=self.days - 1)

    def owned(self, model: Any) -> list[sa.ColumnElement[bool]]:
        """Conditions that restrict `model` to whose accounts these are."""
        return [] if self.owner_id is None else [model.owner_id == self.owner_id]

    def closed(self) -> list[sa.ColumnElement[bool]]:
        """Conditions for the positions that count."""
        position = ExecutionPosition
        return [*self.owned(position), position.closed_at >= self.since, position.settle == self.currency]


def currencies(owner_id: int | None, days: int) -> list[str]:
    """Settlement currencies with closed positions in the period, the busiest first."""
    scope = Scope(owner_id, days, "")
    position = ExecutionPosition
    rows = db.session.execute(
        sa.select(position.settle)
        .where(*scope.owned(position), position.closed_at >= scope.since)
        .group_by(position.settle)
        .order_by(sa.func.count().desc(), position.settle)
    ).scalars()
    return list(rows)
