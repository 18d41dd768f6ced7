"""What can be done with many connections at once, in words, and what a choice of the list means."""

from dataclasses import dataclass

import sqlalchemy as sa

from portal.db import db
from portal.models import Plan, TradingPreset
from portal.services.connections_bulk import Bulk

_MOST_CHOICES = 200
_LABELS = {Bulk.TEST: "Test", Bulk.ACTIVATE: "Switch on", Bulk.DEACTIVATE: "Switch off"}
_FOLLOWS = {
    Bulk.TEST: "A worker tests each of them; orders are not touched.",
    Bulk.ACTIVATE: "They take part in the next signal.",
    Bulk.DEACTIVATE: "They take no new signals. Open positions are still watched.",
    Bulk.PRESET: "The next signal is sized and protected by it.",
    Bulk.PLAN: "Signals of the plan reach the owners, on all of their connections, from now on.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of the list: what to do, with which preset or plan, and how it reads."""

    what: Bulk
    value: int | None
    label: str

    @property
    def key(self) -> str:
        """For the form."""
        return self.what.value if self.what in _LABELS else f"{self.what.value}:{self.value or 0}"

    @property
    def follows(self) -> str:
        """What comes of it, in a sentence."""
        return _FOLLOWS[self.what]


def choices() -> dict[str, list[Choice]]:
    """All there are, by group."""
    presets = sa.select(TradingPreset.id, TradingPreset.name).order_by(TradingPreset.name)
    plans = sa.select(Plan.id, Plan.name).where(Plan.is_active).order_by(Plan.name)
    return {
        "Connection": [Choice(what, None, label) for what, label in _LABELS.items()],
        "Set preset": [
            Choice(Bulk.PRESET, None, "Preset: built-in defaults"),
            *_rows(Bulk.PRESET, "Preset: ", presets),
        ],
        "Subscribe owners": _rows(Bulk.PLAN, "Plan: ", plans),
    }


def choice_of(key: str) -> Choice | None:
    """The choice with this key; None when there is none such any more."""
    return next((each for group in choices().values() for each in group if each.key == key), None)


def _rows(what: Bulk, prefix: str, query: sa.Select[int, str]) -> list[Choice]:
    found = db.session.execute(query.limit(_MOST_CHOICES))
    return [Choice(what, row_id, f"{prefix}{name}") for row_id, name in found]
