"""What is counted against a venue's limits, and where nothing is."""

import pytest

from portal.exchanges.budgets import BUDGETS, budget_of


@pytest.mark.parametrize("url", [None, "https://testnet.example.org", "http://192.0.2.7:9000"])
def test_budget_of_a_venue_counts_wherever_it_is_reached(url: str | None) -> None:
    assert budget_of("binance", url) == BUDGETS["binance"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"])
def test_stand_in_on_this_machine_is_not_saved_up_for(url: str) -> None:
    found = budget_of("binance", url)
    assert found.address == BUDGETS["sandbox"].address
    assert found.account_codes == BUDGETS["binance"].account_codes


def test_unknown_venue_when_counted_gets_less_than_a_known_one() -> None:
    modest, known = budget_of("nobody knows it"), BUDGETS["binance"]
    assert modest.address.limit / modest.address.seconds < known.address.limit / known.address.seconds
