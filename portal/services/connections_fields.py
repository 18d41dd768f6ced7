"""The fields of a connection as they come from outside: forms, API and import files. Reads no database."""

import json
from collections.abc import Mapping
from typing import Any

from portal.exchanges.account_options import read_account_options
from portal.exchanges.catalog import known_exchanges
from portal.exchanges.paper.settings import read_paper_settings
from portal.exchanges.registry import is_paper
from portal.services.connections_credentials import KNOWN, read_credentials
from portal.trading.fields import FieldError, Reader, one_of, read_fields, shown, string
from portal.trading.limits import allows_foreign, read_limits
from portal.trading.types import ConnectionMode, ConnectionType

NAME_LIMIT = 100
_SETTINGS_LIMIT = 10_000
NO_FX = "no FX broker adapter is installed yet; only crypto exchanges can be connected"


def _exchange(value: object, _name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise FieldError("must be the name of an exchange, such as bybit")
    name = value.strip().lower()
    if name not in known_exchanges():
        raise FieldError(f"{shown(name)} is not a known exchange")
    return name


def _settings(value: object, _name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise FieldError("must be an object")
    secret = sorted(set(value) & (set(KNOWN) - {"accountId"}))
    if secret:
        raise FieldError(f"must not hold {', '.join(secret)}; that belongs into credentials")
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise FieldError("must be plain JSON") from None
    if len(text) > _SETTINGS_LIMIT:
        raise FieldError(f"is longer than {_SETTINGS_LIMIT} characters of JSON")
    if "\\u0000" in text or "\\ud" in text.lower():
        raise FieldError("has a character that the database cannot keep")
    read_paper_settings(value)
    read_limits(value)
    allows_foreign(value)
    return dict(value)


def boolean(value: object, _name: str) -> bool:
    """True or false, also as the words that CSV files have."""
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise FieldError(f"must be true or false, was {shown(value)}")


def row_id(value: object, name: str) -> int | None:
    """The id of another row; an empty text means none."""
    if value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise FieldError("must be an id")
    return value


COMMON: Mapping[str, Reader] = {
    "name": string(NAME_LIMIT),
    "exchange_name": _exchange,
    "type": one_of(ConnectionType),
    "mode": one_of(ConnectionMode),
    "settings": _settings,
}


def check_options(exchange_name: str, values: Mapping[str, Any], errors: dict[str, str]) -> None:
    """Settings that reach the exchange library must be such that it can use them."""
    try:
        read_account_options(exchange_name, values.get("settings") or {})
    except FieldError as error:
        errors["settings"] = str(error)


def _keep(value: object, _name: str) -> object:
    return value


def read_connection(
    data: Mapping[str, object], more: Mapping[str, Reader], errors: dict[str, str]
) -> dict[str, Any]:
    """The usable values of a whole new connection, credentials included; a reason for each other field
    goes into `errors`. `more` are the fields that only this source has."""
    values: dict[str, Any] = read_fields(data, {**COMMON, "credentials": _keep, **more}, errors)
    for name in ("name", "exchange_name"):
        if name not in values and name not in errors:
            errors[name] = "is missing"
    if values.get("type", ConnectionType.CRYPTO) is ConnectionType.FX:
        errors["type"] = NO_FX
    values.setdefault("type", ConnectionType.CRYPTO)
    values.setdefault("mode", ConnectionMode.PAPER)
    check_options(values.get("exchange_name", ""), values, errors)
    given, exchange_name = values.get("credentials", {}), values.get("exchange_name", "")
    # A paper account asks nobody for anything. A key that is given anyway must be a whole one.
    needless = not given and bool(exchange_name) and is_paper(exchange_name, values["mode"])
    credentials, reason = ({}, None) if needless else read_credentials(given, exchange_name)
    values["credentials"] = credentials
    if reason is not None:
        errors["credentials"] = reason
    return values
