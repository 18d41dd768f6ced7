"""What a test found about a key, as its owner reads it."""

from typing import Any

import pytest

from portal.db import utcnow
from portal.models import ExecutionConnection, User
from portal.web.key_words import key_lines
from tests import world
from tests.visiting import Visitor

SAFE: dict[str, Any] = {
    "can_trade": True, "can_withdraw": False, "ip_restricted": True, "permissions": ["Spot", "Read"],
    "key_unknown": "", "leverage": "7", "setup_symbol": "BTC/USDT:USDT",
}  # fmt: skip
EXCEPTION = {
    "reason": "Sweeps profits at night.",
    "by": "boss@example.org",
    "at": "2030-01-02T03:04:05+00:00",
}


def lines(facts: dict[str, Any], **values: Any) -> dict[str, str]:
    return dict(key_lines(ExecutionConnection(facts=facts, **values)))


def test_a_safe_key_is_described_in_plain_words() -> None:
    assert lines(SAFE, clock_offset_ms=40) == {
        "Trading": "allowed",
        "Withdrawals": "not allowed",
        "Usable from": "fixed addresses only",
        "Rights, as the exchange calls them": "Spot, Read",
        "Leverage": "7× on BTC/USDT:USDT",
    }


def test_before_the_first_test_nothing_is_claimed() -> None:
    assert key_lines(ExecutionConnection(facts={})) == []


@pytest.mark.parametrize(
    ("facts", "name", "said"),
    [
        ({"can_withdraw": True}, "Withdrawals", "ALLOWED: the key is refused"),
        ({"can_withdraw": None}, "Withdrawals", "not known. Look at the exchange"),
        ({"can_trade": None}, "Trading", "not known"),
        ({"can_trade": False}, "Trading", "not allowed"),
        ({"ip_restricted": False}, "Usable from", "anywhere. Bind it"),
        ({"ip_restricted": None}, "Usable from", "not known"),
        ({"key_unknown": "Phemex cannot be asked."}, "About the key", "Phemex cannot be asked."),
        ({"failed_checks": 2}, "Checks without an answer", "2"),
    ],
)
def test_what_should_worry_somebody_says_so(facts: dict[str, Any], name: str, said: str) -> None:
    assert lines({**SAFE, **facts})[name].startswith(said)


def test_an_accepted_key_says_who_decided_when_and_why() -> None:
    said = lines({**SAFE, "can_withdraw": True}, withdrawal_override=EXCEPTION)["Withdrawals"]

    assert said == "allowed; accepted by an administrator on 02 January 2030: Sweeps profits at night."


def test_a_clock_that_is_off_is_shown() -> None:
    assert "2.5 s behind" in lines(SAFE, clock_offset_ms=-2_500)["Clock"]


def test_the_owner_sees_the_words_on_the_page(visitor: Visitor, alice: User) -> None:
    facts = {**SAFE, "can_withdraw": True}
    connection = world.make_connection(alice, facts=facts, last_tested_at=utcnow())

    page = visitor.see(f"/connections/{connection.id}")

    assert "ALLOWED: the key is refused" in page
    assert "can_withdraw" not in page
