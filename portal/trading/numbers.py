"""Numbers from outside become Decimals, or a sentence that says why not; `exact()` keeps ours exact."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_DOWN, Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from numbers import Real

MAX_INTEGER_DIGITS = 15
MAX_SCALE = 18

# Inputs have at most 33 digits, so products of five of them still fit. A quotient of such numbers that lies
# just below a multiple of a lot or a tick cannot be rounded onto it: the gap is far wider than 1e-200.
_EXACT = Context(
    prec=200, rounding=ROUND_DOWN, Emin=-9999, Emax=9999, traps=[InvalidOperation, DivisionByZero, Overflow]
)
_PLAIN_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{1,60})?|\.\d{1,60})([eE][+-]?\d{1,3})?", re.ASCII)


class NumberError(ValueError):
    """What was given is not a number that may be traded with. `message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@contextmanager
def exact() -> Iterator[None]:
    """Calculate with 200 digits instead of the 28 that Decimal starts with."""
    with localcontext(_EXACT):
        yield


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros, a positive exponent or a minus before zero."""
    if not value:
        return Decimal(0)
    with exact():
        return Decimal(format(value.normalize(), "f"))


def text(value: Decimal) -> str:
    """How a number is shown and sent: plain digits, no exponent, no trailing zeros."""
    return format(plain(value), "f")


def parse_decimal(
    value: object,
    name: str,
    *,
    positive: bool = True,
    max_digits: int = MAX_INTEGER_DIGITS,
    max_scale: int = MAX_SCALE,
) -> Decimal:
    """An exact, finite number with at most `max_digits` before and `max_scale` digits after the point.

    Raises NumberError. Binary numbers are taken at their shortest decimal text, so 0.1 means 0.1.
    """
    number = _exact_number(value, name)
    if positive and number <= 0:
        raise NumberError(f"{name} was {_shown(value)}; it must be greater than zero.")
    if not -(10**max_digits) < number < 10**max_digits:
        raise NumberError(f"{name} was {_shown(value)}; it must be below 1 followed by {max_digits} zeros.")
    number = plain(number)
    if -int(number.as_tuple().exponent) > max_scale:
        raise NumberError(f"{name} was {_shown(value)}; at most {max_scale} digits may follow the point.")
    return number


def _exact_number(value: object, name: str) -> Decimal:
    if value is None or value == "":
        raise NumberError(f"{name} was empty; give a number.")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        raise NumberError(f"{name} was a number of more than 40 digits; no price or quantity is that large.")
    if isinstance(value, bool) or not isinstance(value, (str, Decimal, Real)):
        raise NumberError(f"{name} was {_shown(value)}; give a number, best as a string.")
    written = value.strip(" ") if isinstance(value, str) else str(value)
    if not _PLAIN_NUMBER.fullmatch(written):
        raise NumberError(f"{name} was {_shown(value)}; give a plain number such as 0.5.")
    return Decimal(written)


def _shown(value: object) -> str:
    # An integer of thousands of digits is refused by str() itself; it never comes this far.
    shown = repr(value) if isinstance(value, str) else str(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
