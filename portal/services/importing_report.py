"""What an import says when it is done."""

from collections.abc import Callable
from dataclasses import dataclass

#: Called with (rows done, of how many).
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one row was refused."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field} {self.reason}".replace("  ", " ")


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Names that were added and updated; with `problems` nothing was."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
