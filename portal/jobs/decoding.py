"""From bytes in Redis to values, whoever wrote them there: what cannot be read is nothing. Pure."""

from datetime import UTC, datetime


def as_text(value: bytes | str | None) -> str:
    """The text, with marks where it is none."""
    if value is None:
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def as_time(value: bytes | str | None) -> datetime | None:
    """The moment, when it is one that RQ would write."""
    try:
        found = datetime.fromisoformat(as_text(value))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def as_moment(score: float) -> datetime:
    """The moment of a score; 1970 for one that is no time."""
    try:
        return datetime.fromtimestamp(score, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def as_count(value: bytes | str | None) -> int:
    """The number; 0 for anything else."""
    text = as_text(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0
