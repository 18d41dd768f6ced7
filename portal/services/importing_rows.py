"""One entry of an import file, and the error for a file that cannot be used at all."""

from dataclasses import dataclass
from typing import Any

from portal.errors import PortalError


class FileError(PortalError):
    """The file as a whole cannot be used; nothing was imported."""


@dataclass(frozen=True, slots=True)
class Row:
    """Where an entry begins, and what it says. `problem` is set when it could not be read."""

    line: int
    data: Any
    problem: str = ""
