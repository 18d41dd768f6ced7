"""Twelve kills, frozen workers, cut connections and a misbehaving exchange at once. `make chaos` does the
same for as long as one likes."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bench import chaos, chaos_judge
from bench.chaos_judge import Verdict
from bench.chaos_plan import Plan, Toll
from bench.floor import Floor, floor
from portal.db import db, end_read

pytestmark = pytest.mark.timeout(400)

Run = tuple[Toll, Verdict, list[str]]


@pytest.fixture(scope="module")
def here() -> Iterator[Floor]:
    with floor(durable=False, seed=7) as opened:
        yield opened


@pytest.fixture(scope="module")
def run(here: Floor) -> Run:
    said: list[str] = []
    toll, verdict = chaos.strike(here, Plan(accounts=12, kills=12, seed=7, round_seconds=5), said.append)
    return toll, verdict, said


def test_f13_f14_f20_f58_portal_when_everything_around_it_dies_at_random_then_the_exchange_finds_no_fault(
    run: Run,
) -> None:
    toll, verdict, said = run
    assert verdict.problems == [], said
    assert toll.killed >= 12
    assert toll.points, "nobody was struck at a named point"
    assert verdict.statuses.total() == 12 * len(toll.keys)
    assert verdict.accepted >= 12
    assert verdict.positions > 0, "nothing was left to be protected"
    assert verdict.bare >= len(toll.without_stops) > 0, "the exchange has no position without its stop"
    assert verdict.alarmed == verdict.bare


@pytest.mark.parametrize(
    ("kind", "tampering"),
    [
        (
            "duplicates",
            "UPDATE orders SET execution_id = (SELECT max(id) FROM executions) WHERE role = 'entry'",
        ),
        ("ghosts", "UPDATE orders SET client_order_id = 'x' || client_order_id WHERE role = 'entry'"),
        ("ghosts", "UPDATE orders SET state = 'not_placed' WHERE role = 'entry'"),
        ("lost", "UPDATE executions SET status = 'pending', finished_at = NULL"),
        ("lost", "UPDATE orders SET state = 'unresolved' WHERE role = 'entry'"),
        ("unprotected", "UPDATE orders SET position_id = NULL WHERE is_guard"),
        ("unprotected", "UPDATE execution_positions SET quantity = quantity * 2 WHERE status = 'open'"),
        ("unprotected", "DELETE FROM notifications WHERE type = 'unprotected'"),
        ("unprotected", "UPDATE execution_positions SET protection = 'native' WHERE protection = 'failed'"),
        ("unprotected", "UPDATE execution_positions SET unprotected_told_at = NULL"),
        ("off_books", "UPDATE execution_positions SET quantity = quantity * 2 WHERE status = 'open'"),
        ("off_books", "UPDATE fills SET exchange_fill_id = 'x' || exchange_fill_id"),
    ],
)
def test_judge_when_the_books_are_tampered_with_then_it_says_so(
    here: Floor, run: Run, kind: str, tampering: str
) -> None:
    toll, verdict, _ = run
    assert getattr(verdict, kind) == []
    end_read()
    db.session.execute(sa.text(tampering))  # never committed
    assert getattr(chaos_judge.judge(here, toll), kind)
    assert getattr(chaos_judge.judge(here, toll), kind) == []
