"""A whole portal in real processes, one per test module, on servers of its own: tests here kill what others
would need."""

from collections.abc import Iterator

import pytest

from bench.floor import Floor, floor


@pytest.fixture(scope="module")
def here() -> Iterator[Floor]:
    """PostgreSQL, Redis, practice exchange and scheduler, all running; workers are started by the tests."""
    with floor(durable=False, seed=5) as opened:
        opened.child("scheduler")
        yield opened


@pytest.fixture(autouse=True)
def _calm(here: Floor) -> Iterator[None]:
    """Every test leaves the exchange without faults, and no worker behind."""
    yield
    here.sandbox.clear_faults()
    here.sandbox.set_latency(0)
    here.sandbox.set_latency(0, "account")
    for child in [child for child in here.children if child.arguments[0] in ("worker", "publish")]:
        here.stop(child)
