"""What a published signal says, and how it is read from the API, the webhook and the admin form."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from portal.errors import ValidationError
from portal.trading.fields import FieldError, Reader, decimal, many, one_of, read_fields, shown, string
from portal.trading.numbers import text
from portal.trading.symbols import parse_pair
from portal.trading.types import MarketType, OrderType, Side, SignalAction, TimeInForce

MAX_TARGETS = 3
MAX_PLANS = 100
LONGEST_LIFE = timedelta(days=30)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class SignalError(ValidationError):
    """The signal was refused; `errors` has one reason per field, all of them at once."""


@dataclass(frozen=True, slots=True)
class SignalTerms:
    """What is to be traded. None for `order_type`, `time_in_force` or `market_type` leaves it to the
    preset."""

    currency_pair: str
    direction: Side
    action: SignalAction = SignalAction.OPEN
    order_type: OrderType | None = None
    open_price: Decimal | None = None
    sl: Decimal | None = None
    tps: tuple[Decimal, ...] = ()
    time_in_force: TimeInForce | None = None
    market_type: MarketType | None = None
    published_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ParsedSignal:
    """One signal as it was sent: its terms, and what is to be done with it. `plans` are names or ids as
    given."""

    terms: SignalTerms
    plans: tuple[str, ...] = ()
    dedupe_key: str | None = None
    publish: bool = False

    def content_hash(self) -> str:
        """The same for the same content however it was written (`"1.0"` or `1`), so that a repeated
        `dedupe_key` can be told from a reused one. The key itself is not part of it."""
        terms = self.terms
        content = [
            terms.currency_pair,
            terms.direction,
            terms.action,
            terms.order_type,
            None if terms.open_price is None else text(terms.open_price),
            None if terms.sl is None else text(terms.sl),
            [text(tp) for tp in terms.tps],
            terms.time_in_force,
            terms.market_type,
            None if terms.expires_at is None else terms.expires_at.astimezone(UTC).isoformat(),
            sorted(self.plans),
            self.publish,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def parse_signal(data: Mapping[str, object], *, now: datetime) -> ParsedSignal:
    """Raises SignalError with a reason for every field that is wrong. JSON null means: not given."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = read_fields(data, _READERS, errors)
    for required in ("currency_pair", "direction"):
        if required not in values:
            errors.setdefault(required, "is required.")
    for name, reason in (_wrong_sides(values) | _wrong_prices(values) | _wrong_expiry(values, now)).items():
        errors.setdefault(name, reason)
    if errors:
        raise SignalError(errors)
    aside = {name: values.pop(name) for name in ("plans", "dedupe_key", "publish") if name in values}
    return ParsedSignal(terms=SignalTerms(tps=values.pop("tp", ()), **values), **aside)


def _wrong_sides(values: Mapping[str, Any]) -> dict[str, str]:
    """A buy needs sl < open_price < tp, a sell the reverse; without open_price at least sl and tp must
    agree."""
    direction, sl = values.get("direction"), values.get("sl")
    if direction is None or values.get("action") is SignalAction.CLOSE:
        return {}
    sign = 1 if direction is Side.BUY else -1
    loss, gain = ("below", "above") if direction is Side.BUY else ("above", "below")
    entry: Decimal | None = values.get("open_price")
    name = "open_price"
    errors = {}
    if entry is not None and sl is not None and (entry - sl) * sign <= 0:
        errors["sl"] = f"was {text(sl)}; for a {direction} it must be {loss} open_price {text(entry)}."
    if entry is None:
        entry, name = sl, "sl"
    wrong = [tp for tp in values.get("tp", ()) if entry is not None and (tp - entry) * sign <= 0]
    if entry is not None and wrong:
        errors["tp"] = f"was {text(wrong[0])}; for a {direction} it must be {gain} {name} {text(entry)}."
    return errors


def _wrong_prices(values: Mapping[str, Any]) -> dict[str, str]:
    order_type = values.get("order_type")
    errors = {}
    if order_type in (OrderType.LIMIT, OrderType.STOP) and "open_price" not in values:
        errors["open_price"] = f"is required for a {order_type} order."
    if order_type is OrderType.STOP and values.get("time_in_force") in (TimeInForce.IOC, TimeInForce.FOK):
        errors["time_in_force"] = "must be standard for a stop order: it waits for its trigger."
    return errors


def _wrong_expiry(values: Mapping[str, Any], now: datetime) -> dict[str, str]:
    expires_at = values.get("expires_at")
    if expires_at is None or now < expires_at <= now + LONGEST_LIFE:
        return {}
    if expires_at <= now:
        return {"expires_at": f"was {expires_at.isoformat()}, which is in the past."}
    return {
        "expires_at": f"was {expires_at.isoformat()}; at most {LONGEST_LIFE.days} days ahead are allowed."
    }


def _read_pair(value: object, _name: str) -> str:
    return str(parse_pair(value))


def _read_moment(value: object, _name: str) -> datetime:
    try:
        if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
            raise ValueError
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise FieldError(
            f"was {shown(value)}; write RFC 3339 with an offset, as in 2030-01-31T12:00:00Z."
        ) from None


def _read_flag(value: object, _name: str) -> bool:
    if not isinstance(value, bool):
        raise FieldError(f"was {shown(value)}; it must be true or false.")
    return value


def _read_plan(value: object, name: str) -> str:
    return str(string(200)(str(value) if isinstance(value, int) else value, name))


_READERS: Mapping[str, Reader] = {
    "currency_pair": _read_pair,
    "direction": one_of(Side),
    "action": one_of(SignalAction),
    "order_type": one_of(OrderType),
    "open_price": decimal(),
    "sl": decimal(),
    "tp": many(decimal(), maximum=MAX_TARGETS),
    "time_in_force": one_of(TimeInForce, also={"gtc": TimeInForce.STANDARD}),
    "market_type": one_of(MarketType),
    "expires_at": _read_moment,
    "plans": many(_read_plan, maximum=MAX_PLANS),
    "dedupe_key": string(200),
    "publish": _read_flag,
}

SIGNAL_FIELDS = tuple(_READERS)
