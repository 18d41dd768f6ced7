"""No order of events that hypothesis thinks of makes the protocol send twice, deny an order or lose one."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import ProtocolMachine
from tests.model.rules import WRONG

SETTINGS = settings(
    max_examples=400,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    print_blob=True,
)
#: Deep faults need rare coincidences and are left to the dice of `test_trials.py`.
SHALLOW = (
    "retry any error under a new id",
    "believe that a timeout failed",
    "take every webhook for a new signal",
    "believe one kind of endpoint",
)


def test_protocol_when_anything_may_happen_neither_doubles_nor_denies_nor_loses_an_order() -> None:
    run_state_machine_as_test(ProtocolMachine, settings=SETTINGS)


@pytest.mark.parametrize("mistake", SHALLOW)
def test_machine_when_the_protocol_is_wrong_finds_it(mistake: str) -> None:
    wrong = type("WrongMachine", (ProtocolMachine,), {"protocol": WRONG[mistake]})
    quick = settings(
        SETTINGS,
        max_examples=2000,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        print_blob=False,
    )
    with pytest.raises((AssertionError, ValueError, ExceptionGroup)):
        run_state_machine_as_test(wrong, settings=quick)
