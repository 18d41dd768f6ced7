"""What a TradingView alert says, as the fields of a signal. Pure: the text goes in, the data comes out."""

import re
from collections.abc import Mapping
from typing import Any

from portal.api.bodies import parse_object
from portal.api.tickers import TickerError, read_ticker
from portal.errors import ValidationError

#: Other names for the fields of a signal.
SYNONYMS: Mapping[str, str] = {
    "symbol": "currency_pair", "ticker": "currency_pair", "pair": "currency_pair",
    "side": "direction",
    "order": "order_type", "type": "order_type",
    "price": "open_price",
    "stop": "sl", "stop_loss": "sl",
    "take_profit": "tp",
    "id": "dedupe_key", "alert_id": "dedupe_key",
    "tif": "time_in_force",
    "plan": "plans",
}  # fmt: skip
#: The fields themselves, which the alert may use as well.
FIELDS = frozenset({
    "currency_pair", "direction", "action", "order_type", "open_price", "sl", "tp", "time_in_force",
    "market_type", "expires_at", "plans", "dedupe_key", "publish",
})  # fmt: skip
#: What alerts often carry for people; read over.
IGNORED = frozenset({
    "exchange", "interval", "time", "timenow", "open", "high", "low", "close", "volume", "comment", "message",
    "strategy", "indicator", "alert_name", "bar_time", "timestamp",
})  # fmt: skip
_SIZES = frozenset(
    {"quantity", "qty", "amount", "contracts", "size", "leverage", "lots", "volume_percent", "risk"}
)
_TARGETS = ("tp1", "tp2", "tp3")
_SEPARATORS = re.compile(r"[\r\n;,]+")
_MAX_NAME = 40

Alert = dict[str, Any]


def read_alert(body: bytes) -> Alert:
    """The names and values of an alert, names in lower case. Raises ValidationError."""
    is_json = body.lstrip()[:1] in {b"{", b"[", b'"'}
    given = list(parse_object(body).items()) if is_json else _read_lines(body)
    alert: Alert = {}
    for name, value in given:
        key = re.sub(r"[\s-]+", "_", name.strip().lower())
        if key in alert:
            raise ValidationError({key[:_MAX_NAME]: "was given twice; say it once"})
        alert[key] = value
    return alert


def to_signal(alert: Alert) -> Alert:
    """The fields that `services.signals.submit` takes. Raises ValidationError with the names as the alert had
    them."""
    errors: dict[str, str] = {}
    found: dict[str, tuple[str, Any]] = {}
    for name, value in alert.items():
        if name in IGNORED or name in _TARGETS:
            continue
        field = "direction" if name == "action" and _is_direction(value) else SYNONYMS.get(name, name)
        if field not in FIELDS:
            errors[name[:_MAX_NAME]] = _why_unknown(name)
        elif field in found and found[field][1] != value:
            errors[name] = f"says the same as {found[field][0]}, but differently; say it once"
        else:
            found[field] = (name, value)
    data = {field: value for field, (_, value) in found.items()}
    _read_targets(alert, data, errors)
    _read_symbol(data, found, errors)
    if errors:
        raise ValidationError(errors)
    return _in_our_spelling(data)


def _read_lines(body: bytes) -> list[tuple[str, Any]]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise ValidationError({"body": "was not UTF-8 text"}) from None
    if "\x00" in text:
        raise ValidationError({"body": "held a NUL character"})
    pairs: list[tuple[str, Any]] = []
    for piece in filter(None, map(str.strip, _SEPARATORS.split(text))):
        name, equals, value = piece.partition("=")
        if equals and name.strip():
            pairs.append((name, value.strip()))
        elif pairs and not equals:
            # `tp=70000,71000`: a piece without a name goes on with the value before it.
            before = pairs[-1][1]
            pairs[-1] = (pairs[-1][0], [*(before if isinstance(before, list) else [before]), piece])
        else:
            raise ValidationError({"body": "was neither a JSON object nor lines of key=value"})
    if not pairs:
        raise ValidationError({"body": "was empty; send a JSON object or lines of key=value"})
    return pairs


def _is_direction(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower() in {"buy", "sell"}


def _why_unknown(name: str) -> str:
    if name in _SIZES:
        return "is not taken from alerts: the preset of each connection decides the size; remove it"
    return f"is not known; known are {', '.join(sorted(FIELDS | set(_TARGETS)))}"


def _read_targets(alert: Alert, data: Alert, errors: dict[str, str]) -> None:
    targets = [alert[name] for name in _TARGETS if name in alert]
    if targets and "tp" in data:
        errors["tp"] = "was given together with tp1; use one way to name the targets"
    elif targets:
        data["tp"] = targets


def _read_symbol(data: Alert, found: Mapping[str, tuple[str, Any]], errors: dict[str, str]) -> None:
    symbol = data.get("currency_pair")
    if not isinstance(symbol, str):
        return
    try:
        ticker = read_ticker(symbol)
    except TickerError as error:
        errors[found["currency_pair"][0]] = str(error)
        return
    data["currency_pair"] = ticker.currency_pair
    if not ticker.is_swap:
        return
    if str(data.get("market_type", "swap")).strip().lower() != "swap":
        errors[found["market_type"][0]] = "contradicts the symbol: .P names a swap"
    data["market_type"] = "swap"


def _in_our_spelling(data: Alert) -> Alert:
    """Words as the enumerations have them: alerts are written by hand."""
    for name in ("direction", "action", "order_type", "market_type"):
        if isinstance(data.get(name), str):
            data[name] = data[name].strip().lower()
    if isinstance(data.get("time_in_force"), str):
        word = data["time_in_force"].strip().upper()
        data["time_in_force"] = word if word in {"IOC", "FOK"} else word.lower()
    if isinstance(data.get("plans"), str):
        data["plans"] = [data["plans"]]
    if str(data.get("publish", "")).lower() in {"true", "false"}:
        data["publish"] = str(data["publish"]).lower() == "true"
    return data
