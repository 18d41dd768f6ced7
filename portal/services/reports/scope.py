"""What a report is about: whose accounts, which days, which currency."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from portal.db import utcnow

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
