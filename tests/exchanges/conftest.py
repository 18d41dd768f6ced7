"""One sandbox exchange for the tests of adapters; every test has an account of its own there."""

from collections.abc import Iterator

import pytest

from portal.exchanges.sandbox.server import SandboxServer

pytest.register_assert_rewrite(
    "tests.exchanges.contract_account",
    "tests.exchanges.contract_faults",
    "tests.exchanges.contract_orders",
    "tests.exchanges.contract_queries",
)


@pytest.fixture(scope="session")
def venue_server() -> Iterator[SandboxServer]:
    with SandboxServer(seed=7) as server:
        yield server


@pytest.fixture
def venue(venue_server: SandboxServer) -> Iterator[SandboxServer]:
    """The sandbox exchange with no faults, no clock offset, and prices that stand still."""
    yield venue_server
    venue_server.control.clear_faults()
    venue_server.control.set_clock_offset(0)
