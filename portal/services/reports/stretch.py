"""Some time on some accounts: what is counted at once. Pure."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one moment up to another, or to the last row there is. `owner_id` None: everybody's accounts."""

    owner_id: int | None
    start: dt.datetime
    end: dt.datetime | None = None

    @classmethod
    def of_days(cls, first: dt.date, end: dt.date) -> "Stretch":
        """Everybody's accounts from the first UTC day up to the beginning of another."""
        return cls(None, midnight(first), midnight(end))

    def holds(self, model: Any, moment: Any) -> list[sa.ColumnElement[bool]]:
        """Conditions for the rows of `model` that belong to it."""
        mine = [] if self.owner_id is None else [model.owner_id == self.owner_id]
        until = [] if self.end is None else [moment < self.end]
        return [*mine, moment >= self.start, *until]


def midnight(date: dt.date) -> dt.datetime:
    """The moment at which a UTC day begins."""
    return dt.datetime.combine(date, dt.time(), dt.UTC)
