"""Twelve kills, frozen workers, cut connections and a misbehaving exchange at once. `make chaos` does the
same for as long as one likes."""

from collections.abc import Iterator

import pytest

from bench import chaos
from bench.chaos_plan import Plan
from bench.floor import Floor, floor

pytestmark = pytest.mark.timeout(200)


@pytest.fixture(scope="module")
def here() -> Iterator[Floor]:
    with floor(durable=False, seed=7) as opened:
        yield opened


def test_f13_f14_f20_f58_portal_when_everything_around_it_dies_at_random_then_the_exchange_finds_no_fault(
    here: Floor,
) -> None:
    told: list[str] = []
    toll, verdict = chaos.strike(here, Plan(accounts=12, kills=12, seed=7, round_seconds=5), told.append)
    assert verdict.problems == [], told
    assert toll.killed >= 12
    assert toll.points, "nobody was struck at a named point"
    assert verdict.statuses.total() == 12 * len(toll.keys)
    assert verdict.accepted >= 12
    assert verdict.positions > 0, "nothing was left to be protected"
