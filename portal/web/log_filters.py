"""What an address asks of the log: each filter is one argument, so that a search can be sent to somebody. A
value that cannot be one is named and ignored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portal.services.log_kinds import Category, Level
from portal.services.log_search import Search

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """A search, and what of the address could not be understood."""

    search: Search
    #: Filters as they stand in the address, the usable ones.
    args: dict[str, str]
    problems: list[str]


def read(args: Mapping[str, str], allowed: tuple[str, ...]) -> Asked:
    """The search of an address; arguments that are not `allowed` are no filters."""
    found: dict[str, Any] = {}
    kept: dict[str, str] = {}
    problems: list[str] = []
    for name in allowed:
        value = args.get(name, "").strip()
        if not value:
            continue
        try:
            found[name] = _READERS.get(name, _text)(value)
        except ValueError:
            problems.append(f"“{value[:40]}” is no value for {LABELS[name].lower()}; it was ignored.")
        else:
            kept[name] = value
    return Asked(Search(**found), kept, problems)


def _text(value: str) -> str:
    if len(value) > _LONGEST or "\x00" in value:
        raise ValueError
    return value


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 18):
        raise ValueError
    return int(value)


def _moment(value: str) -> datetime:
    """As the field of a form sends it, in UTC: 2026-11-24T13:05, or only the day."""
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_READERS: dict[str, Callable[[str], Any]] = {
    "since": _moment, "until": _moment, "level": Level, "category": Category,
    "connection_id": _number, "signal_id": _number, "execution_id": _number, "position_id": _number,
}  # fmt: skip
LABELS = {
    "since": "From (UTC)", "until": "Until (UTC)", "level": "Level", "category": "About", "event": "Event",
    "connection_id": "Connection number", "owner": "Owner", "signal_id": "Signal number",
    "execution_id": "Execution number", "position_id": "Position number", "order": "Order id",
    "code": "Code", "text": "Text",
}  # fmt: skip
CHOICES = {"level": list(Level), "category": list(Category)}
TIMES = ("since", "until")
#: All of them, for operators; and those that make sense for somebody's own lines.
FOR_OPERATORS = tuple(LABELS)
FOR_OWNERS = tuple(name for name in LABELS if name not in ("owner", "event", "signal_id"))
