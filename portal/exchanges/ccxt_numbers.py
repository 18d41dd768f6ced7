"""Numbers and times as ccxt gives them (text, numbers, None, NaN) into Decimal and UTC. Never raises on bad
input.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from portal.trading.numbers import MAX_INTEGER_DIGITS, MAX_SCALE

_SMALLEST, _LARGEST = Decimal(10) ** -MAX_SCALE, Decimal(10) ** MAX_INTEGER_DIGITS


def decimal_or_none(value: object) -> Decimal | None:
    """`value` as a finite Decimal, else None."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def positive_or_none(value: object) -> Decimal | None:
    """`value` as a Decimal above zero, else None."""
    number = decimal_or_none(value)
    return number if number is not None and number > 0 else None


def price_or_none(value: object) -> Decimal | None:
    """`value` as a Decimal that can be a price, and be stored as one, else None."""
    number = positive_or_none(value)
    return number if number is not None and _SMALLEST <= number < _LARGEST else None


def time_or_none(milliseconds: object) -> datetime | None:
    """UTC time of a ccxt timestamp, else None."""
    number = positive_or_none(milliseconds)
    if number is None or number > Decimal(10) ** 14:
        return None
    return datetime.fromtimestamp(float(number / 1000), UTC)


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970, as venues count time."""
    return int(moment.timestamp() * 1000)
