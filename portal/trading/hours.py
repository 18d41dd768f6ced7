"""When a preset trades: days and a daily window in a time zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portal.trading.fields import FieldError, shown

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("days", "start", "end", "timezone")


@dataclass(frozen=True, slots=True)
class TradingHours:
    """From `start` up to but not including `end`, on `days`, by the wall clock of `timezone`.

    An end that is not after the start lies on the next day: 22:00 to 06:00 on Friday ends on Saturday
    morning, and 00:00 to 00:00 is the whole day.
    """

    days: tuple[str, ...]
    start: time
    end: time
    timezone: str

    def contains(self, now: datetime) -> bool:
        """`now` must be aware."""
        local = self.local(now)
        clock = local.time()
        today = DAYS[local.weekday()] in self.days
        if self.start < self.end:
            return today and self.start <= clock < self.end
        yesterday = DAYS[(local - timedelta(days=1)).weekday()] in self.days
        return (today and clock >= self.start) or (yesterday and clock < self.end)

    def local(self, now: datetime) -> datetime:
        return now.astimezone(ZoneInfo(self.timezone))

    def to_dict(self) -> dict[str, object]:
        return {
            "days": list(self.days),
            "start": f"{self.start:%H:%M}",
            "end": f"{self.end:%H:%M}",
            "timezone": self.timezone,
        }

    def __str__(self) -> str:
        return f"{', '.join(self.days)} {self.start:%H:%M}-{self.end:%H:%M} {self.timezone}"


def read_trading_hours(value: object, _name: str) -> TradingHours:
    """`{"days": ["mon", …], "start": "08:00", "end": "22:00", "timezone": "Europe/Berlin"}`.

    Left out: every day, 00:00 to 00:00, UTC. Raises FieldError.
    """
    if not isinstance(value, Mapping) or not value:
        raise FieldError(f"was {shown(value)}; it must be an object with {', '.join(_NAMES)}.")
    if unknown := [str(name) for name in value if name not in _NAMES]:
        raise FieldError(f"had the unknown name {unknown[0]}; the known ones are {', '.join(_NAMES)}.")
    return TradingHours(
        days=_days(value.get("days", list(DAYS))),
        start=_time(value.get("start", "00:00"), "start"),
        end=_time(value.get("end", "00:00"), "end"),
        timezone=_timezone(value.get("timezone", "UTC")),
    )


def _days(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value or not all(day in DAYS for day in value):
        raise FieldError(f"had days {shown(value)}; give a list of {', '.join(DAYS)}.")
    return tuple(day for day in DAYS if day in value)


def _time(value: object, name: str) -> time:
    try:
        if not isinstance(value, str) or len(value) != len("08:00"):
            raise ValueError
        return time.fromisoformat(value)
    except ValueError:
        raise FieldError(f"had {name} {shown(value)}; write hours and minutes, as in 08:00.") from None


def _timezone(value: object) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError
        return ZoneInfo(value).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise FieldError(f"had timezone {shown(value)}; give a name such as Europe/Berlin or UTC.") from None
