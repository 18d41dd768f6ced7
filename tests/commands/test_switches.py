"""`halt`, `reduce` and `resume`."""

import pytest

from portal.db import db
from portal.models import TradingState
from portal.services import trading_state
from portal.trading.types import TradingStateValue
from tests.commands.conftest import Portal
from tests.world import count, make_connection, make_user


@pytest.mark.parametrize(
    ("command", "state"), [("halt", TradingStateValue.HALTED), ("reduce", TradingStateValue.REDUCING)]
)
def test_a_switch_counts_at_once_and_resume_ends_it(
    portal: Portal, command: str, state: TradingStateValue
) -> None:
    connection = make_connection(make_user("alice@example.com"))

    stopped = portal(command, "--reason", "exchange is on fire")
    assert stopped.code == 0
    db.session.rollback()
    assert trading_state.effective(connection, "BTC/USDT") is state
    resumed = portal("resume", "--json")

    assert resumed.json == {"scope": "everything", "key": "", "state": "active", "reason": "", "switches": {}}
    db.session.rollback()
    assert trading_state.effective(connection, "BTC/USDT") is TradingStateValue.ACTIVE


def test_resume_says_which_other_switches_are_left(portal: Portal) -> None:
    make_user("alice@example.com")
    portal("halt", "--scope", "user:alice@example.com")

    ran = portal("resume")

    assert "user:1 is halted" in ran.stdout


@pytest.mark.parametrize(
    ("scope", "code"), [("galaxy", 2), ("exchange", 2), ("connection:9", 1), ("user:x@y.z", 1)]
)
def test_a_scope_that_is_wrong_or_unknown_sets_nothing(portal: Portal, scope: str, code: int) -> None:
    ran = portal("halt", "--scope", scope)

    assert (ran.code, ran.stdout) == (code, "")
    assert ran.stderr
    assert count(TradingState) == 0
