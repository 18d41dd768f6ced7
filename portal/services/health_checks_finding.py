"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """An error must be repaired before trading; a warning should be looked at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. The id never changes its meaning: search for it in
    docs/operations.md."""

    id: str
    message: str
    hint: str

    @property
    def level(self) -> Level:
        return Level.ERROR if self.id.startswith("portal.E") else Level.WARNING
