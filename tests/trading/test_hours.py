"""Trading hours: days, nights, time zones and their summer time."""

from datetime import UTC, datetime

import pytest

from portal.trading.fields import FieldError
from portal.trading.hours import read_trading_hours


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-04T07:00", True),  # Wednesday 08:00 in Berlin
        ("2026-03-04T06:59", False),
        ("2026-03-04T20:59", True),
        ("2026-03-04T21:00", False),
        ("2026-03-05T12:00", False),  # Thursday
        ("2026-07-01T06:00", True),  # summer: 08:00 in Berlin is 06:00 UTC
        ("2026-07-01T20:00", False),
    ],
)
def test_a_window_follows_the_wall_clock_of_its_time_zone(moment: str, expected: bool) -> None:
    given = {"days": ["wed"], "start": "08:00", "end": "22:00", "timezone": "Europe/Berlin"}
    assert read_trading_hours(given, "").contains(at(moment)) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-06T21:59", False),
        ("2026-03-06T22:00", True),  # Friday night
        ("2026-03-07T05:59", True),  # belongs to Friday
        ("2026-03-07T06:00", False),
        ("2026-03-06T05:00", False),  # Thursday's night
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_starts(moment: str, expected: bool) -> None:
    hours = read_trading_hours({"days": ["fri"], "start": "22:00", "end": "06:00"}, "")
    assert hours.contains(at(moment)) is expected


def test_days_alone_mean_whole_days() -> None:
    hours = read_trading_hours({"days": ["fri", "thu", "fri"]}, "")
    assert hours.days == ("thu", "fri")
    assert hours.contains(at("2026-03-06T00:00"))
    assert hours.contains(at("2026-03-06T23:59"))
    assert not hours.contains(at("2026-03-07T00:00"))


def test_hours_survive_the_way_to_json_and_back() -> None:
    given = {"days": ["mon"], "start": "08:30", "end": "17:00", "timezone": "Asia/Tokyo"}
    hours = read_trading_hours(given, "")
    assert hours.to_dict() == given
    assert str(hours) == "mon 08:30-17:00 Asia/Tokyo"


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "mon",
        {"day": ["mon"]},
        {"days": []},
        {"days": "mon"},
        {"days": ["monday"]},
        {"days": [["mon"]]},
        {"start": "8:00"},
        {"start": "24:00"},
        {"start": 800},
        {"end": "08:60"},
        {"timezone": "Berlin"},
        {"timezone": "../../etc/passwd"},
        {"timezone": ""},
        {"timezone": 1},
    ],
)
def test_hours_that_cannot_be_understood_are_refused(value: object) -> None:
    with pytest.raises(FieldError):
        read_trading_hours(value, "")
