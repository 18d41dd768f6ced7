"""How venues write yes, no, lists and moments. Never guesses: what cannot be read is None."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from portal.exchanges.ccxt_numbers import decimal_or_none

_YES = frozenset({"true", "1", "yes"})
_NO = frozenset({"false", "0", "no"})
_ANYWHERE = frozenset({"*", "0.0.0.0/0", "::/0"})
#: Some venues write a moment long past, or far away, for "never".
_FIRST, _LAST = datetime(2010, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def flag(value: object) -> bool | None:
    """Yes or no, as JSON, a number or a word."""
    word = str(value).strip().lower()
    return True if word in _YES else False if word in _NO else None


def words(value: object) -> frozenset[str]:
    """The words of a list, or of a text with commas or blanks between them."""
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if not isinstance(value, Iterable):
        return frozenset()
    return frozenset(str(word).strip() for word in value if word is not None and str(word).strip())


def bound(addresses: object) -> bool | None:
    """Whether a list of allowed addresses restricts anything. A venue that sends none at all did not say."""
    if addresses is None:
        return None
    listed = words(addresses)
    return bool(listed) and not listed & _ANYWHERE


def moment(seconds: object, *, milliseconds: bool = False) -> datetime | None:
    """The UTC time of a Unix time; zero is "never"."""
    number = decimal_or_none(seconds)
    if number is None:
        return None
    try:
        return _usual(datetime.fromtimestamp(int(number / 1000 if milliseconds else number), UTC))
    except (OverflowError, OSError, ValueError):
        return None


def iso_moment(text: object) -> datetime | None:
    """The UTC time of an ISO 8601 text."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return _usual(found if found.tzinfo else found.replace(tzinfo=UTC))


def after_days(now: datetime, days: object) -> datetime | None:
    """The day that is so many whole days away. Negative and unreadable numbers mean "never"."""
    number = decimal_or_none(days)
    if number is None or number < 0 or number > 10_000:
        return None
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=int(number))


def _usual(found: datetime) -> datetime | None:
    return found.astimezone(UTC) if _FIRST < found < _LAST else None
