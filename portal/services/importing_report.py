"""What an import says when it is done."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

#: Fields whose wrong value says nothing that a person needs to see again.
_CLOSED = frozenset({"exchange_name", "type", "mode", "is_admin_owned", "the row"})
_QUOTED = re.compile(r"'[^']*(?:'|\.\.\.)|\"[^\"]*(?:\"|\.\.\.)")
#: Longer words with a digit in them look like keys.
_SHORT = 16
_WORD = re.compile(r"[a-z_]{1,15}")
_HIDDEN = "(what is there is not shown)"

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


def without_values(problem: Problem) -> Problem:
    """The same for a page: a key that slipped into the wrong column is not repeated."""
    strict = problem.field in _CLOSED
    reason = _QUOTED.sub(lambda found: hide_key(found.group(), strict=strict), problem.reason)
    return replace(problem, field=hide_key(problem.field), reason=reason)


def hide_key(text: str, *, strict: bool = False) -> str:
    """`text`, unless it could be a key; with `strict` only a short word is none."""
    word = text.strip("'\"")
    if strict:
        return text if _WORD.fullmatch(word) else _HIDDEN
    looks_like_one = len(word) >= _SHORT and " " not in word and any(each.isdigit() for each in word)
    return _HIDDEN if looks_like_one or len(word) > 100 else text
