"""Reading the JSON bodies of control requests. Anything malformed becomes a plain refusal."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.exchanges.sandbox.call import Call
from portal.exchanges.sandbox.control import Control
from portal.exchanges.sandbox.errors import bad_control

Body = dict[str, Any]
MAX_TEXT = 200


def body_of(call: Call) -> Body:
    try:
        value = json.loads(call.body or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise bad_control("The body must be a JSON object.")
    return value


def decimal_in(value: object, name: str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise bad_control(f"{name} must be a number.") from None
    if not number.is_finite():
        raise bad_control(f"{name} must be a number.")
    return number


def number_in(value: object, name: str) -> float:
    return float(decimal_in(value, name))


def whole_in(value: object, name: str) -> int:
    return int(decimal_in(value, name))


def text_in(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= MAX_TEXT):
        raise bad_control(f"{name} must be a text of at most {MAX_TEXT} characters.")
    return value


def amounts_in(value: object) -> dict[str, Decimal] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad_control("balances must be an object of asset and amount.")
    amounts = {str(asset): decimal_in(amount, str(asset)) for asset, amount in value.items()}
    if any(amount < 0 for amount in amounts.values()):
        raise bad_control("A balance must not be negative.")
    return amounts


def symbol_in(control: Control, body: Body) -> str:
    symbol = str(body.get("symbol", "")).replace("/", "").upper()
    if symbol not in control.exchange.prices.quotes:
        raise bad_control(f"There is no symbol {symbol!r} here.")
    return symbol
