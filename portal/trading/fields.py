"""Readers of single JSON fields from outside. They raise a reason; `read_fields` collects all of them."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from portal.trading.numbers import NumberError, parse_decimal, text

E = TypeVar("E", bound=StrEnum)
Reader = Callable[[object, str], object]

MAX_INTEGER = 1_000_000_000


class FieldError(ValueError):
    """Why one field cannot be used, in words that follow its name."""


def read_fields(
    data: Mapping[str, object], readers: Mapping[str, Reader], errors: dict[str, str]
) -> dict[str, object]:
    """The known fields that have a value; reasons for the others go into `errors`. JSON null is no value."""
    values: dict[str, object] = {}
    for name, value in data.items():
        if name not in readers:
            errors[name] = f"is not a known field; the known ones are {', '.join(readers)}."
        elif value is not None:
            try:
                values[name] = readers[name](value, name)
            except (FieldError, NumberError) as error:
                errors[name] = str(error).removeprefix(f"{name} ")
    return values


def decimal(*, minimum: str = "0", maximum: str | None = None, above: bool = True) -> Reader:
    """A Decimal above `minimum` (or equal to it, with `above` false) and not above `maximum`."""
    low, high = Decimal(minimum), Decimal(maximum) if maximum is not None else None

    def read(value: object, name: str) -> Decimal:
        number = parse_decimal(value, name, positive=False)
        if number < low or (above and number == low):
            raise FieldError(
                f"was {text(number)}; it must be {'greater than' if above else 'at least'} {low}."
            )
        if high is not None and number > high:
            raise FieldError(f"was {text(number)}; it must be at most {high}.")
        return number

    return read


def integer(minimum: int = 1, maximum: int = MAX_INTEGER) -> Reader:
    def read(value: object, name: str) -> int:
        number = parse_decimal(value, name, positive=False)
        if number != int(number) or not minimum <= number <= maximum:
            raise FieldError(f"was {text(number)}; it must be a whole number from {minimum} to {maximum}.")
        return int(number)

    return read


def one_of(kind: type[E], *, also: Mapping[str, E] | None = None) -> Reader:
    """A member of `kind` by its value, in any case; `also` names accepted synonyms."""
    names = {str(member).lower(): member for member in kind} | dict(also or {})

    def read(value: object, _name: str) -> E:
        if not isinstance(value, str) or value.strip().lower() not in names:
            known = ", ".join(str(member) for member in kind)
            raise FieldError(f"was {shown(value)}; it must be one of {known}.")
        return names[value.strip().lower()]

    return read


def string(maximum: int, *, multiline: bool = False) -> Reader:
    """Printable text of at most `maximum` characters, without blanks around it; `multiline` may be empty."""

    def read(value: object, _name: str) -> str:
        if not isinstance(value, str):
            raise FieldError(f"was {shown(value)}; it must be text.")
        words = value.strip()
        if not words and not multiline:
            raise FieldError("was empty.")
        if len(words) > maximum:
            raise FieldError(f"was {len(words)} characters long; at most {maximum} are allowed.")
        if not (words.replace("\n", " ") if multiline else words).isprintable():
            raise FieldError("had characters that cannot be printed.")
        return words

    return read


def many(reader: Reader, *, maximum: int) -> Reader:
    """A list; a single value counts as a list of one. Becomes a tuple."""

    def read(value: object, name: str) -> tuple[object, ...]:
        items = value if isinstance(value, list | tuple) else [value]
        if len(items) > maximum:
            raise FieldError(f"had {len(items)} entries; at most {maximum} are allowed.")
        return tuple(reader(item, name) for item in items)

    return read


def shown(value: object) -> str:
    written = repr(value)
    return written if len(written) <= 60 else f"{written[:57]}..."
