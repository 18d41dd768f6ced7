"""Thousands of small worlds by dice: the protocol holds in all of them, and every protocol that is wrong in
one rule is caught, so that the zeros mean something."""

import pytest

from portal.trading.transitions import IllegalTransition
from portal.trading.types import ExecutionStatus
from tests.model.__main__ import main
from tests.model.rules import WRONG, Rules
from tests.model.trials import CELLS, Cell, run_trial, run_trials

SEED = 20260101
TRIALS_PER_CLASS = 2_500


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_protocol_in_many_trials_has_no_duplicate_no_ghost_and_no_loss(cell: Cell) -> None:
    tally = run_trials(SEED, range(TRIALS_PER_CLASS), cell)
    assert (tally.duplicates, tally.ghosts, tally.lost) == (0, 0, 0), tally.broken
    assert tally.trials == TRIALS_PER_CLASS
    assert tally.outcomes[ExecutionStatus.FILLED] > TRIALS_PER_CLASS * 0.8
    assert 0 < tally.outcomes[ExecutionStatus.NOT_PLACED] < TRIALS_PER_CLASS * 0.1
    assert tally.resent > 0
    assert tally.found_after
    assert tally.absent_after


@pytest.mark.parametrize("mistake", sorted(WRONG))
def test_protocol_with_one_wrong_rule_is_caught(mistake: str) -> None:
    """Where the venue checks no ids and takes no deadline, nobody else makes good what is wrong here."""
    cell = Cell("C", window=False, routes="any")
    assert any(breaks(WRONG[mistake], cell, number) for number in range(3_000))


@pytest.mark.parametrize("identity", ["B-open", "C"])
def test_same_id_again_doubles_where_the_venue_forgets_ids_of_filled_orders(identity: str) -> None:
    rules = WRONG["retry any error under the same id"]
    checked = run_trials(SEED, range(1_500), Cell("B-all", window=False), rules)
    forgotten = run_trials(SEED, range(1_500), Cell(identity, window=False), rules)
    assert forgotten.duplicates > 10 * max(checked.duplicates, 1)


def test_a_trial_is_repeated_exactly_by_its_seed_and_number() -> None:
    first: list[str] = []
    second: list[str] = []
    run_trial(SEED, 17, CELLS[3], trace=first)
    run_trial(SEED, 17, CELLS[3], trace=second)
    assert first == second
    assert first


def test_command_when_the_protocol_holds_succeeds_and_when_a_rule_is_wrong_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--trials", "400", "--seed", "5"]) == 0
    assert "0 duplicates, 0 ghosts, 0 lost" in capsys.readouterr().out
    assert main(["--trials", "4000", "--seed", "5", "--wrong", "retry any error under a new id"]) == 1
    assert "--replay" in capsys.readouterr().out


def breaks(rules: Rules, cell: Cell, number: int) -> bool:
    """Whether this trial breaks the promise, or takes a step that the tables forbid."""
    try:
        return not run_trial(SEED, number, cell, rules)[1].holds
    except IllegalTransition:
        return True
