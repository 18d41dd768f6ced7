"""Decimal helpers: strict parsing of request parameters, rounding to steps, fixed-point text. Never float."""

import re
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from portal.exchanges.sandbox.errors import VenueError, illegal, missing

NUMBER_PATTERN = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
ZERO = Decimal(0)
UNIT = Decimal("0.00000001")

Params = Mapping[str, str]


def optional_decimal(params: Params, name: str) -> Decimal | None:
    text = params.get(name)
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise illegal(name, NUMBER_PATTERN)
    return Decimal(text)


def required_decimal(params: Params, name: str) -> Decimal:
    value = optional_decimal(params, name)
    if value is None:
        raise missing(name)
    return value


def optional_int(params: Params, name: str) -> int | None:
    text = params.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise illegal(name, "^[0-9]{1,20}$")
    return int(text)


def flag(params: Params, name: str) -> bool:
    text = params.get(name, "false").lower()
    if text not in ("true", "false"):
        raise VenueError(-1104, f"Not all sent parameters were read; '{name}' must be true or false.")
    return text == "true"


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    return (value // step) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    floored = floor_to(value, step)
    return floored if floored == value else floored + step


def cut(value: Decimal) -> Decimal:
    """Cuts to the eight places in which the exchange keeps its books."""
    return value.quantize(UNIT, rounding=ROUND_DOWN)


def text8(value: Decimal) -> str:
    return f"{value:.8f}"
