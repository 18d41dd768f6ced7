"""What the words of the execution log mean: how grave each is, and what part of a trade it is about. Data
only."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Level(StrEnum):
    """How much somebody should care."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Category(StrEnum):
    """What a line is about."""

    ORDER = "order"
    REFUSAL = "refusal"
    DOUBT = "doubt"
    PROTECTION = "protection"
    CLOSING = "closing"
    BOOKS = "books"


_ERROR = "rejected unresolved unprotected overfill oversold late_fill cancel_failed declared_but_there"
_WARNING = (
    "denied not_placed expired entry_expired close_postponed close_denied external_close opened_again"
    " fees_uncounted"
)
_GOOD = "filled placed closed protected resolved adopted"
_ABOUT: Mapping[Category, str] = MappingProxyType({
    Category.ORDER: "placed in_flight open partially_filled filled canceled cancel_failed run_again",
    Category.REFUSAL: "denied rejected not_placed expired entry_expired",
    Category.DOUBT: "unresolved resolved adopted declared_but_there late_fill",
    Category.PROTECTION: "protected unprotected stop_moved close_served",
    Category.CLOSING: "close_requested close_postponed close_denied close_again partly_closed closed"
    " opened_again external_close",
    Category.BOOKS: "overfill oversold fees_uncounted",
})  # fmt: skip
_LEVELS = {
    **dict.fromkeys(_ERROR.split(), Level.ERROR),
    **dict.fromkeys(_WARNING.split(), Level.WARNING),
}
_TONES = {
    **dict.fromkeys(_ERROR.split(), "bad"),
    **dict.fromkeys(_WARNING.split(), "warn"),
    **dict.fromkeys(_GOOD.split(), "good"),
}


def level_of(event: str) -> Level:
    """How grave a line with this event is."""
    return _LEVELS.get(event, Level.INFO)


def tone_of(event: str) -> str:
    """Its colour: good, warn, bad or nothing."""
    return _TONES.get(event, "")


def events_of(category: Category) -> frozenset[str]:
    """The events about one part of a trade."""
    return frozenset(_ABOUT[category].split())


def grave_events() -> Mapping[str, Level]:
    """Every event that is more than information."""
    return MappingProxyType(_LEVELS)
