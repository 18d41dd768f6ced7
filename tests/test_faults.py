"""The catalogue of faults: each number has a test, or a reason why it does not apply, and docs/faults.md says
which."""

import re

import pytest

from tests.faults import catalogue

NUMBERS = range(1, catalogue.COUNT + 1)
PROOFS = catalogue.tests_by_fault()
ROWS = catalogue.rows(catalogue.PAGE.read_text(encoding="utf-8"))


def test_page_has_one_row_for_each_fault_and_no_other() -> None:
    assert list(ROWS) == list(NUMBERS)
    assert all(len(cells) == 4 and all(cells) for cells in ROWS.values()), "fault, behaviour and proof"


def test_no_test_carries_a_number_that_the_catalogue_has_not() -> None:
    assert PROOFS.keys() <= set(NUMBERS)


@pytest.mark.parametrize("number", NUMBERS)
def test_fault_has_tests_that_exist_or_a_reason(number: int) -> None:
    proof = ROWS[number][3]
    if proof.startswith(catalogue.REASON):
        assert number not in PROOFS, f"F{number} has tests: the page must name them"
        assert len(proof) > len(catalogue.REASON) + 20, "a reason is a sentence"
        return
    named = re.findall(r"`([^`]+)`", proof)
    assert named, f"F{number} has no test; write test_f{number:02}_…, or a reason on the page"
    missing = [name for name in named if name not in PROOFS.get(number, [])]
    assert missing == [], "run: python -m tests.faults.catalogue"
