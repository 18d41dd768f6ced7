"""Denial codes and their words."""

import string

import pytest

from portal.trading.denial_texts import TEXTS
from portal.trading.denials import Denial, DenialCode, deny
from tests.trading.factories import D


def test_every_code_has_words_and_no_words_are_left_over() -> None:
    assert set(TEXTS) == {code.value for code in DenialCode}
    assert all(code.name == code.value for code in DenialCode)


@pytest.mark.parametrize("code", DenialCode)
def test_every_sentence_says_what_happened_and_what_to_change(code: DenialCode) -> None:
    assert code.sentence == f"{code.words.what} {code.words.remedy}"
    for words in (code.words.what, code.words.remedy):
        assert words[0].isupper()
        assert words.endswith(".")
        assert "{" not in words


@pytest.mark.parametrize("code", [code for code in DenialCode if code.words.detail])
def test_a_message_tells_the_numbers_when_all_of_them_are_known(code: DenialCode) -> None:
    names = [name for _, name, _, _ in string.Formatter().parse(code.words.detail) if name]
    message = deny(code, **{name: f"<{name}>" for name in names}).message
    assert all(f"<{name}>" in message for name in names)
    assert message.endswith(code.words.remedy)


def test_a_message_writes_numbers_plainly() -> None:
    denial = deny(DenialCode.QUANTITY_BELOW_MINIMUM, quantity=D("1E-5"), unit="BTC", minimum=D("1.0E-4"))
    assert denial.message == (
        "The order would be 0.00001 BTC; the exchange's minimum is 0.0001 BTC. "
        "Raise the size in the preset, or add funds if it is a part of the balance."
    )


def test_a_message_with_unexpected_numbers_still_shows_them() -> None:
    denial = deny(DenialCode.BALANCE_INSUFFICIENT, free=D(3))
    assert denial.message == f"{DenialCode.BALANCE_INSUFFICIENT.sentence} (free 3)"


def test_a_message_without_numbers_is_the_sentence() -> None:
    assert Denial(DenialCode.TRADING_HALTED).message == DenialCode.TRADING_HALTED.sentence


def test_a_context_is_never_read_as_a_template() -> None:
    message = deny(DenialCode.MARKET_INACTIVE, symbol="{symbol.__class__}").message
    assert "{symbol.__class__}" in message
