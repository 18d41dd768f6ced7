"""When a periodic job really runs next, and how the last run ended."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.jobs.periodic import PERIODIC
from portal.jobs.rhythm import Ending, ending, next_run

NIGHTLY = next(entry for entry in PERIODIC if entry.name == "update_analytics")
SWEEP = next(entry for entry in PERIODIC if entry.name == "sweep")


def at(clock: str, day: int = 24) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day} {clock}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "started", "ended", "expected"),
    [
        ("09:20", at("00:05:01"), Ending.WELL, at("00:05", 25)),
        ("00:06", at("00:05:01"), Ending.RUNNING, at("00:05", 25)),
        # The suggestion at 01:05 comes a second too early: the failed run is not an hour old.
        ("00:40", at("00:05:01"), Ending.BADLY, at("02:05")),
        ("02:30", at("00:05:01"), Ending.BADLY, at("03:05")),
        ("23:30", at("23:05:01"), Ending.BADLY, at("00:05", 25)),
        # Today's has not run: the scheduler was down, and suggests it now.
        ("09:20", at("00:05:01", 23), Ending.WELL, at("10:05")),
        ("00:03", at("00:05:01", 23), Ending.WELL, at("00:05")),
        ("09:20", None, None, at("10:05")),
    ],
)
def test_nightly_job_when_asked_when_it_comes_then_passes_over_suggestions_that_do_nothing(
    now: str, started: datetime | None, ended: Ending | None, expected: datetime
) -> None:
    assert next_run(NIGHTLY, NIGHTLY.next(at(now)), at(now), started, ended) == expected


def test_next_run_when_nothing_is_suggested_then_nobody_knows() -> None:
    assert next_run(NIGHTLY, None, at("09:20"), at("00:05:01"), Ending.WELL) is None


@pytest.mark.parametrize("ended", list(Ending))
def test_frequent_job_when_asked_when_it_comes_then_names_its_suggestion(ended: Ending) -> None:
    assert next_run(SWEEP, at("09:00:02.5"), at("09:00"), at("08:59:52"), ended) == at("09:00:02.5")


@pytest.mark.parametrize(
    ("finished", "failed", "minutes", "expected"),
    [
        (at("00:07"), None, 600, Ending.WELL),
        # The retry of a run that failed before.
        (at("00:07"), at("00:06"), 600, Ending.WELL),
        (None, None, 10, Ending.RUNNING),
        (None, at("00:05", 23), 10, Ending.RUNNING),
        (None, at("00:05:30"), 10, Ending.BADLY),
        # Killed: nobody wrote that down, but no run may last so long.
        (None, None, 40, Ending.BADLY),
    ],
)
def test_run_when_it_is_over_then_says_how_it_ended(
    finished: datetime | None, failed: datetime | None, minutes: int, expected: Ending
) -> None:
    started = at("00:05:01")
    assert ending(NIGHTLY, started, finished, failed, started + timedelta(minutes=minutes)) is expected
