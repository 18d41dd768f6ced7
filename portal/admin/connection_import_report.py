"""What the import page says of a file: how many rows can be imported, and why the others cannot. Repeats no
value that could be a key."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.services.importing import ImportResult, Problem, imported_before
from portal.services.importing_report import hide_key, without_values
from portal.services.importing_rows import Row

#: More reasons than anybody reads at once.
_MOST = 200


@dataclass(frozen=True, slots=True)
class Report:
    """`tone` is good, warn or bad; `left_out` counts the reasons that are not listed."""

    headline: str
    tone: str
    problems: tuple[Problem, ...] = ()
    left_out: int = 0
    #: Whether something was stored.
    is_done: bool = False


def refused_whole(reason: str) -> Report:
    """A file that could not be read at all."""
    return Report(" ".join(hide_key(word) for word in reason.split(" ")), "bad")


def report_of(rows: Sequence[Row], result: ImportResult, *, check_only: bool) -> Report:
    """What became of `rows`."""
    total, every = _rows(len(rows)), "" if len(rows) == 1 else "All "
    if imported_before(rows, result):
        return Report(
            f"{every}{total} {_were(rows)} there already, by name and owner. Nothing was imported twice.",
            "warn",
        )
    if result.problems:
        refused = len({problem.line for problem in result.problems})
        headline = (
            f"{len(rows) - refused:,} of {total} can be imported, {refused:,} cannot. Nothing was imported: "
            "a file is taken as a whole or not at all. Correct what is listed, and send it again."
        )
        shown = tuple(without_values(problem) for problem in result.problems[:_MOST])
        return Report(headline, "bad", shown, len(result.problems) - len(shown))
    if check_only:
        return Report(f"{every}{total} can be imported. Nothing was imported yet.", "good")
    return Report(f"{total} {_were(rows)} imported. A worker tests each of them now.", "good", is_done=True)


def _rows(count: int) -> str:
    return "1 connection" if count == 1 else f"{count:,} connections"


def _were(rows: Sequence[Row]) -> str:
    return "was" if len(rows) == 1 else "were"
