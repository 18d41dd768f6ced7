"""Numbers from outside: what is taken, what is refused and in which words."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.trading.numbers import NumberError, exact, parse_decimal, plain, text
from tests.trading.factories import D, bounded


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", "1"),
        (" 0.50 ", "0.5"),
        ("1e-7", "0.0000001"),
        (".5", "0.5"),
        ("+3", "3"),
        (7, "7"),
        (D("1E+3"), "1000"),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        ("999999999999999.999999999999999999", "999999999999999.999999999999999999"),
        ("0.000000000000000001", "0.000000000000000001"),
    ],
)
def test_a_plain_number_is_taken_exactly(value: object, expected: str) -> None:
    assert text(parse_decimal(value, "sl")) == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        " ",
        "NaN",
        D("NaN"),
        D("sNaN"),
        "Infinity",
        "-inf",
        D("Infinity"),
        float("nan"),
        float("inf"),
        True,
        False,
        "1_000",
        "1,5",
        "1.",
        "٣",  # Arabic three
        "１",  # full-width one
        "0x10",
        "1e400",
        "1e-400",
        "1e9999",
        10**400,
        -(10**400),
        "1000000000000000",
        "0.0000000000000000001",
        "9" * 10_000,
        "twelve",
        b"1",
        [1],
        {"a": 1},
        Fraction(1, 3),
        1j,
        "0",
        0,
        "-1",
        "-0.0",
    ],
)
def test_anything_else_is_refused_with_one_sentence_that_names_the_field(value: object) -> None:
    with pytest.raises(NumberError) as caught:
        parse_decimal(value, "sl")
    assert caught.value.message.startswith("sl was ")
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 130


def test_a_number_that_need_not_be_positive_may_be_zero_or_negative() -> None:
    assert parse_decimal("-1.50", "pnl", positive=False) == D("-1.5")
    assert str(parse_decimal("-0.0", "pnl", positive=False)) == "0"


def test_limits_of_digits_can_be_tightened() -> None:
    assert parse_decimal("99.99", "percent", max_digits=2, max_scale=2) == D("99.99")
    with pytest.raises(NumberError, match="2 zeros"):
        parse_decimal("100", "percent", max_digits=2)
    with pytest.raises(NumberError, match="at most 2 digits"):
        parse_decimal("0.001", "percent", max_scale=2)


@bounded
@given(st.integers(-(10**33) + 1, 10**33 - 1))
def test_every_number_within_the_limits_survives_being_written_and_read(whole: int) -> None:
    with exact():
        value = Decimal(whole).scaleb(-18)
    assert parse_decimal(text(value), "x", positive=False) == value
    assert Fraction(plain(value)) == Fraction(whole, 10**18)
    assert "E" not in text(value)


@bounded
@given(st.text(max_size=30))
def test_no_text_raises_anything_but_a_number_error(value: str) -> None:
    try:
        number = parse_decimal(value, "x")
    except NumberError:
        return
    assert number.is_finite()
    assert 0 < number < 10**15
