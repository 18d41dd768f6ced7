"""How column values look in lists and details, and how they are written to CSV files."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from markupsafe import Markup

from portal.web.formatting import long_text, money, number, plain_number, status_badge, when, yes_no

__all__ = ["TYPES", "as_json", "badge", "csv_cell", "money_in", "mono", "plain_number", "status_badge"]

Formatter = Callable[[Any, Any, Any, str], Any]

NOTHING = Markup('<span class="muted">–</span>')
#: A spreadsheet takes a cell that starts like this for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def badge(_view: Any, _context: Any, model: Any, name: str) -> Markup:
    """Column formatter: a status."""
    return status_badge(getattr(model, name))


def money_in(currency_column: str, *, signed: bool = False) -> Formatter:
    """Column formatter: an amount in the currency that another column names."""

    def formatter(_view: Any, _context: Any, model: Any, name: str) -> Markup:
        return money(getattr(model, name), getattr(model, currency_column), signed=signed)

    return formatter


def counted(_view: Any, _context: Any, model: Any, name: str) -> Markup:
    """Column formatter: a quantity, with what it counts."""
    return number(getattr(model, name), model.unit)


def mono(_view: Any, _context: Any, model: Any, name: str) -> Markup:
    """Column formatter: an identifier."""
    value = getattr(model, name)
    return Markup("<code>{}</code>").format(value) if value else NOTHING


def as_json(value: Any) -> Markup:
    return Markup("<pre>{}</pre>").format(json.dumps(value, indent=2, default=str)) if value else NOTHING


def _joined(value: Any) -> Any:
    if any(isinstance(each, dict) for each in value):
        return as_json(value)
    return (
        ", ".join(plain_number(each) if isinstance(each, Decimal) else str(each) for each in value) or NOTHING
    )


#: Looked up in this order, the first type that fits counts.
TYPES: dict[type, Callable[..., Any]] = {
    Markup: lambda _view, value, _name: value,
    type(None): lambda _view, _value, _name: NOTHING,
    bool: lambda _view, value, _name: yes_no(value),
    # Before plain text, because its members are texts too.
    StrEnum: lambda _view, value, _name: value.value.replace("_", " "),
    str: lambda _view, value, _name: value or NOTHING,
    datetime: lambda _view, value, _name: when(value),
    Decimal: lambda _view, value, _name: number(value),
    dict: lambda _view, value, _name: as_json(value),
    list: lambda _view, value, _name: _joined(value),
}


def csv_cell(value: Any) -> str:
    """One cell of an export: exact, in UTC, and never a formula. Negative numbers keep their sign."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal | int):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, dict | list):
        value = json.dumps(value, default=str)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def rounded(_view: Any, _context: Any, model: Any, name: str) -> Markup:
    """Column formatter: a statistic, where two decimals are plenty."""
    value = getattr(model, name)
    return number(None if value is None else round(value, 2))


def brief(_view: Any, _context: Any, model: Any, name: str) -> Markup:
    """Column formatter: a small JSON object in one line."""
    value = getattr(model, name) or {}
    line = ", ".join(f"{key}: {each}" for key, each in value.items())
    return Markup('<div class="small-text muted">{}</div>').format(long_text(line[:300]))


def targets(_view: Any, _context: Any, model: Any, name: str) -> Markup:
    """Column formatter: take-profit targets, one per line, with the part of the position that each closes."""
    lines = [_target(each) for each in getattr(model, name) or ()]
    return Markup("<br>").join(lines) if lines else NOTHING


def _target(target: dict[str, Any]) -> str:
    where = target.get("price") or " ".join(str(target[key]) for key in ("mode", "value") if target.get(key))
    done = ", reached" if target.get("done") else ""
    part = Decimal(str(target.get("close_fraction", 1))) * 100
    return f"{where} for {plain_number(part)} %{done}".replace("_", " ")
